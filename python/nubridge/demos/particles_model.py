"""The spine head of the demo `particles`: calcium, exchangers and SK channels on the wall, for every peer."""

import nubridge

SK = {
    "k12": 200,
    "k21": 80,
    "k23": 160,
    "k32": 80,
    "k34": 80,
    "k43": 200,
    "k3o": 160,
    "ko3": 1000,
    "k4o": 1200,
    "ko4": 100,
}
BINDING = {"k12": ("C1", "C2"), "k23": ("C2", "C3"), "k34": ("C3", "C4")}
OTHER = {
    "k21": ("C2", "C1"), "k32": ("C3", "C2"), "k43": ("C4", "C3"),
    "k3o": ("C3", "O1"), "ko3": ("O1", "C3"), "k4o": ("C4", "O2"), "ko4": ("O2", "C4"),
}  # fmt: skip
EXCHANGER = {"on": 300, "off": 300, "out": 600, "leak": 19.4}  # NCX of Bartol et al. 2015, at rest at 0.1 uM

reactions = [{"reactants": ["Ca", a], "products": ["Ca", b], "rate": k} for k, (a, b) in BINDING.items()]
reactions += [{"reactants": [a], "products": [b], "rate": k} for k, (a, b) in OTHER.items()]
reactions += [
    {"reactants": ["Ca", "N"], "products": ["NCa"], "rate": "on"},
    {"reactants": ["NCa"], "products": ["Ca", "N"], "rate": "off"},
    {"reactants": ["NCa"], "products": ["N"], "rate": "out"},
    {"reactants": ["N"], "products": ["N", "Ca"], "rate": "leak"},
    {"reactants": ["NCa"], "products": ["NCa", "Ca"], "rate": "leak"},
]
# In uM of a head of 0.0664 um3, in which a molecule is 0.025 uM: 4 calcium ions, 50 channels, 400 exchangers.
network = nubridge.Network.build(
    {"Ca": 0.1, "C1": 1.25, "C2": 0, "C3": 0, "C4": 0, "O1": 0, "O2": 0, "N": 9.675, "NCa": 0.325},
    reactions,
    parameters={**SK, **EXCHANGER},
    unit="uM",
    name="spine head",
)
membrane = ["C1", "C2", "C3", "C4", "O1", "O2", "N", "NCa"]
diffusion_um2_s = {"Ca": 220}

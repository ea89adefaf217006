"""A simulator of your own behind a NEURON session: the direct method of Gillespie in NumPy.

Start it with `nubridge peer python/demos/own_peer.py:DirectMethod MODEL --session NAME`. The plan holds the network, the
sites, what is exchanged and the seed; `python/nubridge/peers/__init__.py` says what each call has to do.
"""

import numpy as np

from nubridge.peers import Peer, bounded
from nubridge.peers.rates import SiteRates


class DirectMethod(Peer):
    def __init__(self, plan):
        super().__init__(plan)
        self.random = np.random.default_rng(plan.seed)
        self.molecules = plan.initial.copy()  # sites x species
        self.rates = SiteRates(plan)  # .molecular: rate constants in molecules per s, sites x reactions
        species = plan.network.species
        sides = [(one.reactants, one.products) for one in plan.network.reactions]
        self.before, after = (
            np.array([[one[side].get(name, 0) for name in species] for one in sides]) for side in (0, 1)
        )
        self.change = after - self.before
        self.change[:, [species.index(name) for name in plan.network.fixed]] = 0

    def set_rates(self, values):
        self.rates.set(values)

    def inject(self, amounts):
        where = self.plan.slots()  # the site and the species of each amount
        realised = bounded(amounts, self.molecules[where], most=2**53)
        np.add.at(self.molecules, where, realised)
        return realised

    def advance(self, window_ns):
        for site in range(len(self.molecules)):
            self.run(site, window_ns * 1e-9)

    def run(self, site, left_s):
        while True:
            n = self.molecules[site]
            sets = np.prod(np.where(self.before == 2, n * (n - 1) / 2, n**self.before), axis=1)
            propensities = self.rates.molecular[site] * sets
            total = propensities.sum()
            left_s -= self.random.exponential(1 / total) if total > 0 else np.inf
            if left_s < 0:
                return
            n += self.change[self.random.choice(len(propensities), p=propensities / total)]

    def counts(self):
        return self.plan.sums(self.molecules)

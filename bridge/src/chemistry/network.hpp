#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nubridge::chemistry {

/// The unit of the amounts of a network; rate constants of order n are per unit^(n-1) and second.
enum class AmountUnit : int { molecules = 0, uM = 1 };

/// "molecules" or "uM".
const char* name_of(AmountUnit unit) noexcept;

/// A named number; a reaction may take it as its rate.
struct Parameter {
    std::string name;
    double value = 0.0;
    /// The parameters that its expression reads; empty for a plain number.
    std::vector<std::size_t> uses = {};
    /// What the value is computed by; empty for a plain number.
    std::string expression = {};
    /// As stated, "1/(uM s)"; empty for none. That of a rate constant must fit the order of its reactions.
    std::string unit = {};
};

/// A kind of molecule.
struct Species {
    std::string name;
    /// In the network's unit.
    double initial = 0.0;
    /// Clamped: reactions read it and do not change it.
    bool fixed = false;
    /// What the amount is computed by from parameters; empty for a plain number.
    std::string expression = {};
};

/// A mass-action reaction of order 0 to 3. A species that stands twice among the reactants is consumed twice.
///
/// **One convention for A + A: label-invariant.** `factor * parameter` is the rate constant k of one set of molecules:
/// with m molecules of one species among the reactants the propensity has the factor n (n-1) ... (n-m+1) / m!, the
/// number of such sets, and the rate law of `ode` has x^m / m!. So A + A -> 0 with k = 1 loses molecules at 2 k
/// n(n-1)/2 = k n(n-1) per second. Beware of the factor 2: texts and tools that write the rate law k x^2 (BioNetGen's
/// `.net`, SBML) mean 2 k here; the reader of `.net` files converts.
struct Reaction {
    std::string name;
    std::vector<std::size_t> reactants;
    std::vector<std::size_t> products;
    /// The parameter that is the rate constant; without one it is `factor` itself.
    std::optional<std::size_t> parameter = {};
    double factor = 1.0;
};

/// A weighted sum of species amounts.
struct Observable {
    std::string name;
    std::vector<std::pair<std::size_t, double>> terms;
};

/// Everything that defines a network.
struct NetworkDefinition {
    std::string name;
    AmountUnit unit = AmountUnit::molecules;
    std::vector<Parameter> parameters = {};
    std::vector<Species> species = {};
    std::vector<Reaction> reactions = {};
    std::vector<Observable> observables = {};
};

/// Species and reactions: immutable, valid, shared by every engine and thread.
class ReactionNetwork {
public:
    /// A species and how often it stands among the reactants.
    struct Term {
        std::size_t species;
        int multiplicity;
    };
    /// What one firing adds to a species that is not fixed; never 0.
    struct Change {
        std::size_t species;
        int delta;
    };

    static constexpr std::size_t max_order = 3;

    /// @throws NetworkInvalid for an empty or doubled name, an index out of range, an order above 3, a rate constant or
    /// an initial amount that is negative or not finite, a unit that does not fit the order; the message names it.
    explicit ReactionNetwork(NetworkDefinition definition);

    const NetworkDefinition& definition() const noexcept { return definition_; }
    std::size_t species_count() const noexcept { return definition_.species.size(); }
    std::size_t reaction_count() const noexcept { return definition_.reactions.size(); }

    /// Per unit^(order-1) and second.
    double rate_constant(std::size_t reaction) const;
    std::size_t order(std::size_t reaction) const { return definition_.reactions[reaction].reactants.size(); }
    std::span<const Term> terms(std::size_t reaction) const { return terms_[reaction]; }
    std::span<const Change> changes(std::size_t reaction) const { return changes_[reaction]; }
    /// The reactions whose propensity reads this species, ascending.
    std::span<const std::size_t> readers(std::size_t species) const { return readers_[species]; }
    /// The dependency graph: the reactions whose propensity may change when this one fires, ascending.
    std::vector<std::size_t> dependents(std::size_t reaction) const;

    /// A basis of the integer vectors w with w . (change of any reaction) = 0, one entry a species, 0 for fixed ones;
    /// each with greatest common divisor 1 and a first nonzero entry above 0. Amounts of species that stand early are
    /// the totals that later complexes add to.
    /// @throws NetworkInvalid when an entry does not fit 64 bits.
    std::vector<std::vector<std::int64_t>> conservation_laws() const;

private:
    void require_valid() const;
    void derive();

    NetworkDefinition definition_;
    std::vector<std::vector<Term>> terms_;
    std::vector<std::vector<Change>> changes_;
    std::vector<std::vector<std::size_t>> readers_;
};

/// m! for each species that stands m times among the reactants, multiplied.
double symmetry(std::vector<std::size_t> reactants);

/// n! for 0 to 3.
constexpr double factorial(int n) noexcept {
    return n < 2 ? 1.0 : n == 2 ? 2.0 : 6.0;
}

}  // namespace nubridge::chemistry

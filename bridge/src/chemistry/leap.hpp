#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chemistry/engine.hpp"
#include "chemistry/propensity.hpp"

namespace nubridge::chemistry {

/// What tau-leaping and the chemical Langevin equation share: molecules, propensities, and how long these hold still.
///
/// A leap of length h is two half leaps, the weak trapezoidal rule: reactions run at the rates a(x) to the middle y,
/// then at 2 a(y) - a(x), cut off at 0 (Anderson and Koyama, Multiscale Model Simul 10:1493, 2012, for tau; Anderson
/// and Mattingly, Commun Math Sci 9:301, 2011, for Langevin). Mean and variance are of second order in h. The input's
/// part of a rate is integrated over each half.
class LeapEngine : public Engine {
public:
    double time_s() const noexcept override { return time_s_; }
    void amounts(std::span<double> amounts) const noexcept override;
    void set_amount(std::size_t species, double amount) override;
    void set_rate_constant(std::size_t reaction, double k) override;
    void restart(std::span<const double> amounts, std::uint64_t run) override;
    std::uint64_t events() const noexcept override { return events_; }

protected:
    /// @throws InvalidArgument for an epsilon outside (0, 0.5] or a step that is negative or not finite.
    LeapEngine(std::shared_ptr<const ReactionNetwork> network, const EngineOptions& options);

    /// The molecules that an amount of a species stands for, as this engine keeps them.
    virtual double molecules(std::size_t species, double amount) const = 0;
    /// After a write: what was planned is void.
    virtual void forget() noexcept = 0;
    /// The random numbers of a run.
    virtual void seed(std::uint64_t run) = 0;

    /// The longest leap at these propensities. Cao, Gillespie and Petzold (J Chem Phys 124:044109, 2006, eq. 33): no
    /// propensity changes by more than epsilon of itself, in the mean and by its standard deviation. And no species
    /// loses more than sqrt(epsilon) of its molecules, however many come back, so that fast equilibria are stable.
    double longest_leap(std::span<const double> propensities) noexcept;
    /// Combinations of the reactants at the present molecules.
    void combine() noexcept;
    void require_future(double t_s) const;
    void require_not_stopped() const;

    std::shared_ptr<const ReactionNetwork> network_;
    double unit_;
    Propensities propensities_;
    std::uint64_t seed_;
    double epsilon_, longest_s_;
    const std::atomic<bool>* stop_;
    std::vector<double> n_, combinations_;
    double time_s_ = 0.0;
    std::uint64_t events_ = 0;

private:
    double change_allowed(std::size_t species) const noexcept;

    /// Of a species: the highest order of a reaction that it enters, and how often it enters those.
    struct Reader {
        std::size_t order = 0;
        int multiplicity = 0;
    };
    std::vector<Reader> readers_;
    std::vector<double> drift_, spread_, loss_;
};

}  // namespace nubridge::chemistry

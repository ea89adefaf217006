#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace nubridge::chemistry {

/// The random numbers of one run: pairs of an exponential and a uniform number from Philox4x32-10, keyed by (seed,
/// run).
///
/// Pairs are made a block at a time by code that the compiler vectorises; the numbers are the same with every
/// instruction set that has no fused multiply-add, and always the same on one build.
class RandomStream {
public:
    static constexpr std::size_t block = 64;

    /// Registers as wide as the processor has, or the code of every processor: the same numbers.
    enum class Registers { widest, any };

    explicit RandomStream(std::uint64_t seed = 0, std::uint64_t run = 0,
                          Registers registers = Registers::widest) noexcept
        : seed_(seed), run_(run), narrow_(registers == Registers::any) {}

    struct Pair {
        /// Exp(1), in (1e-16, 37).
        double exponential;
        /// In (0, 1), an odd multiple of 2^-53.
        double uniform;
    };

    Pair next() noexcept {
        if (used_ == block) [[unlikely]]
            refill();
        const Pair pair{exponential_[used_], uniform_[used_]};
        ++used_;
        return pair;
    }

private:
    void refill() noexcept;

    alignas(64) std::array<double, block> exponential_{};
    alignas(64) std::array<double, block> uniform_{};
    std::size_t used_ = block;
    std::uint64_t seed_;
    std::uint64_t run_;
    std::uint64_t counter_ = 0;
    bool narrow_;
};

}  // namespace nubridge::chemistry

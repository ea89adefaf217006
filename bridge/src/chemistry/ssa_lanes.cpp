#include "chemistry/ssa_lanes.hpp"

#include <algorithm>
#include <limits>

#if defined(__x86_64__) && defined(__GNUC__)
#define NUBRIDGE_X86
#endif

namespace nubridge::chemistry {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The ceiling over the sum when it is set, and the least part of it that the sum may fall to: wider, and more
/// candidates are in vain; narrower, and it moves more often.
constexpr double above = 1.08;
constexpr double below = 0.80;

using Doubles = double __attribute__((vector_size(32)));
using Integers = long long __attribute__((vector_size(32)));
using Pair = long long __attribute__((vector_size(16)));

#define NUBRIDGE_INLINE inline __attribute__((always_inline))
#define NUBRIDGE_LAMBDA __attribute__((always_inline))

void set_ceiling(Schedule& schedule, double sum) noexcept {
    schedule.total = sum * above;
    schedule.inverse_total = 1.0 / schedule.total;
}

bool is_within(double sum, double ceiling) noexcept {
    return sum <= ceiling && sum >= ceiling * below;
}

}  // namespace

Lanes::Lanes(std::size_t reactions) noexcept : blocks_(std::max<std::size_t>((reactions + width - 1) / width, 1)) {}

void Lanes::set(std::size_t reaction, double k, double first, double second) noexcept {
    const std::size_t row = reaction % blocks_, lane = reaction / blocks_;
    k_[row][lane] = k;
    now_.first[row][lane] = first;
    now_.second[row][lane] = second;
}

void Lanes::set_change(std::size_t fired, std::size_t reaction, double first, double second) noexcept {
    const std::size_t row = reaction % blocks_, lane = reaction / blocks_;
    changes_[fired].first[row][lane] = first;
    changes_[fired].second[row][lane] = second;
}

/// The columns of changes of one row: the first, then in which bits each differs from the one before it.
struct Lanes::Differences {
    Integers first[width + 1], second[width + 1];

    NUBRIDGE_INLINE explicit Differences(const Lanes& lanes) {
        Integers before_first{}, before_second{};
        for (std::size_t slot = 0; slot <= width; ++slot) {
            const auto now_first = *reinterpret_cast<const Integers*>(lanes.changes_[slot].first[0].data());
            const auto now_second = *reinterpret_cast<const Integers*>(lanes.changes_[slot].second[0].data());
            first[slot] = now_first ^ before_first;
            second[slot] = now_second ^ before_second;
            before_first = now_first;
            before_second = now_second;
        }
    }
};

/// The factors in registers, and the sums over the reactions up to each.
template <std::size_t Blocks>
struct Lanes::Registers {
    Doubles k[Blocks], first[Blocks], second[Blocks], sums[Blocks];

    NUBRIDGE_INLINE Registers(const Lanes& lanes) {
        for (std::size_t b = 0; b < Blocks; ++b) {
            k[b] = *reinterpret_cast<const Doubles*>(lanes.k_[b].data());
            first[b] = *reinterpret_cast<const Doubles*>(lanes.now_.first[b].data());
            second[b] = *reinterpret_cast<const Doubles*>(lanes.now_.second[b].data());
        }
        add_up();
    }
    /// The change of the reaction that holds `at`, without going through memory: column 0, and the bits in which each
    /// later column differs from the one before it where the sum is passed.
    NUBRIDGE_INLINE void add_chosen(double at, const Differences& differences) requires(Blocks == 1) {
        const Integers passed = sums[0] <= Doubles{at, at, at, at};
        const Integers over[width] = {
            __builtin_shufflevector(passed, passed, 0, 0, 0, 0), __builtin_shufflevector(passed, passed, 1, 1, 1, 1),
            __builtin_shufflevector(passed, passed, 2, 2, 2, 2), __builtin_shufflevector(passed, passed, 3, 3, 3, 3)};
        const auto chosen = [&](const Integers(&bits)[width + 1]) NUBRIDGE_LAMBDA {
            const Integers early = bits[0] ^ (over[0] & bits[1]) ^ (over[1] & bits[2]);
            return reinterpret_cast<Doubles>(early ^ ((over[2] & bits[3]) ^ (over[3] & bits[4])));
        };
        first[0] += chosen(differences.first);
        second[0] += chosen(differences.second);
        add_up();
    }
    NUBRIDGE_INLINE void add(const Factors& change) {
        for (std::size_t b = 0; b < Blocks; ++b) {
            first[b] += *reinterpret_cast<const Doubles*>(change.first[b].data());
            second[b] += *reinterpret_cast<const Doubles*>(change.second[b].data());
        }
        add_up();
    }
    /// In an order in which a propensity of 0 leaves the sum as it is, so that none such is ever chosen.
    NUBRIDGE_INLINE void add_up() {
        sums[0] = k[0] * first[0] * second[0];
        for (std::size_t b = 1; b < Blocks; ++b) sums[b] = sums[b - 1] + k[b] * first[b] * second[b];
        const Doubles none{}, last = sums[Blocks - 1];
        const Doubles shifted = __builtin_shufflevector(none, last, 0, 4, 2, 6);
        const Doubles pairs = last + shifted;
        const Doubles twice = __builtin_shufflevector(pairs, pairs, 1, 1, 3, 3);
        const Doubles low = __builtin_shufflevector(none, twice, 0, 1, 4, 5);
        if constexpr (Blocks == 1) {
            sums[0] = pairs + low;
        } else {
            const Doubles before = shifted + low;
            for (std::size_t b = 0; b < Blocks; ++b) sums[b] += before;
        }
    }
    NUBRIDGE_INLINE double total() const { return sums[Blocks - 1][width - 1]; }
    /// The reaction whose part of the sum holds `at`; width * Blocks past the sum.
    NUBRIDGE_INLINE std::size_t find(double at) const {
        const Doubles place{at, at, at, at};
        Integers passed = sums[0] <= place;
        for (std::size_t b = 1; b < Blocks; ++b) passed += sums[b] <= place;
        const Pair half = __builtin_shufflevector(passed, passed, 0, 1) + __builtin_shufflevector(passed, passed, 2, 3);
        return static_cast<std::size_t>(-(half + __builtin_shufflevector(half, half, 1, 0))[0]);
    }
    NUBRIDGE_INLINE double before(std::size_t reaction) const {
        return reaction == 0 ? 0.0 : sums[(reaction - 1) % Blocks][(reaction - 1) / Blocks];
    }
    NUBRIDGE_INLINE void keep(Lanes& lanes) const {
        for (std::size_t b = 0; b < Blocks; ++b) {
            *reinterpret_cast<Doubles*>(lanes.now_.first[b].data()) = first[b];
            *reinterpret_cast<Doubles*>(lanes.now_.second[b].data()) = second[b];
        }
    }
};

template <std::size_t Blocks, bool Asks>
NUBRIDGE_INLINE std::uint64_t Lanes::loop(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random,
                                          const Accept& accept) {
    Registers<Blocks> registers(*this);
    [[maybe_unused]] const Differences differences(*this);
    Schedule next = schedule;
    std::uint64_t tried = 0;
    while (next.time_s <= t_s && tried < most) {
        ++tried;
        const double at = next.uniform * next.total;
        std::size_t slot = registers.find(at);
        if constexpr (Asks) {
            if (slot < width * Blocks && !accept(slot, next.time_s, at - registers.before(slot))) slot = width * Blocks;
        }
        ++fired_[slot];
        if constexpr (Blocks == 1 && !Asks) {
            registers.add_chosen(at, differences);
        } else {
            registers.add(changes_[slot]);
        }
        if (!is_within(registers.total(), next.total)) [[unlikely]]
            set_ceiling(next, registers.total());
        const auto pair = random.next();
        next.uniform = pair.uniform;
        next.time_s += pair.exponential * next.inverse_total;
        if (next.time_s == infinity) [[unlikely]]
            next.pending = pair.exponential;
    }
    registers.keep(*this);
    schedule = next;
    return tried;
}

template <std::size_t Blocks, bool Asks>
std::uint64_t Lanes::run_any(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random,
                             const Accept& accept) {
    return loop<Blocks, Asks>(t_s, most, schedule, random, accept);
}

// Without fused multiply-add, so that both give the same numbers.
template <std::size_t Blocks, bool Asks>
#ifdef NUBRIDGE_X86
__attribute__((target("avx2")))
#endif
std::uint64_t
Lanes::run_wide(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random, const Accept& accept) {
    return loop<Blocks, Asks>(t_s, most, schedule, random, accept);
}

template <std::size_t Blocks>
std::uint64_t Lanes::run_blocks(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random,
                                const Accept& accept) {
#ifdef NUBRIDGE_X86
    static const bool wide = __builtin_cpu_supports("avx2");
#else
    const bool wide = false;
#endif
    if (accept) {
        return wide ? run_wide<Blocks, true>(t_s, most, schedule, random, accept)
                    : run_any<Blocks, true>(t_s, most, schedule, random, accept);
    }
    return wide ? run_wide<Blocks, false>(t_s, most, schedule, random, accept)
                : run_any<Blocks, false>(t_s, most, schedule, random, accept);
}

std::uint64_t Lanes::run(double t_s, std::uint64_t most, Schedule& schedule, RandomStream& random,
                         const Accept& accept) {
    switch (blocks_) {
        case 1:
            return run_blocks<1>(t_s, most, schedule, random, accept);
        case 2:
            return run_blocks<2>(t_s, most, schedule, random, accept);
        case 3:
            return run_blocks<3>(t_s, most, schedule, random, accept);
        default:
            return run_blocks<4>(t_s, most, schedule, random, accept);
    }
}

double Lanes::sum() const noexcept {
    double sum = 0.0;
    for (std::size_t row = 0; row < blocks_; ++row) {
        for (std::size_t lane = 0; lane < width; ++lane)
            sum += k_[row][lane] * now_.first[row][lane] * now_.second[row][lane];
    }
    return sum;
}

bool Lanes::follow(Schedule& schedule) const noexcept {
    const double now = sum();
    if (is_within(now, schedule.total)) return false;
    set_ceiling(schedule, now);
    return true;
}

}  // namespace nubridge::chemistry

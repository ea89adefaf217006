#include "chemistry/sparse_lu.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <set>

namespace nubridge::chemistry {

// Minimum degree on the symmetric pattern; the eliminated row's neighbours become neighbours of each other.
SparseLu::SparseLu(std::size_t size, const std::vector<std::pair<std::size_t, std::size_t>>& entries)
    : size_(size), place_(size), work_(size), reciprocal_(size) {
    std::vector<std::set<std::size_t>> near(size);
    for (const auto& [row, column] : entries) {
        if (row == column) continue;
        near[row].insert(column);
        near[column].insert(row);
    }
    std::vector<std::set<std::size_t>> rows(size);  // by original row: what is eliminated after it
    std::set<std::pair<std::size_t, std::size_t>> queue;
    for (std::size_t i = 0; i < size; ++i) queue.emplace(near[i].size(), i);
    while (!queue.empty()) {
        const std::size_t chosen = queue.begin()->second;
        queue.erase(queue.begin());
        place_[chosen] = order_.size();
        order_.push_back(chosen);
        rows[chosen] = near[chosen];
        for (const std::size_t i : near[chosen]) {
            queue.erase({near[i].size(), i});
            near[i].erase(chosen);
            for (const std::size_t j : near[chosen]) {
                if (j != i) near[i].insert(j);
            }
            queue.emplace(near[i].size(), i);
        }
    }
    std::vector<std::vector<std::size_t>> columns(size);
    for (std::size_t i = 0; i < size; ++i) {
        columns[place_[i]].push_back(place_[i]);
        for (const std::size_t j : rows[i]) {
            columns[place_[i]].push_back(place_[j]);
            columns[place_[j]].push_back(place_[i]);
        }
    }
    begin_.push_back(0);
    for (std::size_t i = 0; i < size; ++i) {
        std::sort(columns[i].begin(), columns[i].end());
        for (const std::size_t j : columns[i]) {
            if (j == i) diagonal_.push_back(column_.size());
            column_.push_back(j);
        }
        begin_.push_back(column_.size());
    }
    values_.resize(column_.size());
}

std::size_t SparseLu::at(std::size_t row, std::size_t column) const {
    const std::size_t i = place_[row], j = place_[column];
    const auto first = column_.begin() + static_cast<std::ptrdiff_t>(begin_[i]);
    const auto last = column_.begin() + static_cast<std::ptrdiff_t>(begin_[i + 1]);
    const auto found = std::lower_bound(first, last, j);
    assert(found != last && *found == j);
    return static_cast<std::size_t>(found - column_.begin());
}

bool SparseLu::factor() noexcept {
    bool sound = true;
    for (std::size_t i = 0; i < size_; ++i) {
        for (std::size_t p = begin_[i]; p < begin_[i + 1]; ++p) work_[column_[p]] = values_[p];
        for (std::size_t p = begin_[i]; p < diagonal_[i]; ++p) {
            const std::size_t k = column_[p];
            const double multiplier = work_[k] * reciprocal_[k];
            values_[p] = multiplier;
            if (multiplier == 0.0) continue;
            for (std::size_t q = diagonal_[k] + 1; q < begin_[k + 1]; ++q) work_[column_[q]] -= multiplier * values_[q];
        }
        for (std::size_t p = diagonal_[i]; p < begin_[i + 1]; ++p) values_[p] = work_[column_[p]];
        reciprocal_[i] = 1.0 / values_[diagonal_[i]];
        sound = sound && std::isfinite(reciprocal_[i]);
    }
    return sound;
}

void SparseLu::solve(std::span<double> x, std::span<double> scratch) const noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
        double sum = x[order_[i]];
        for (std::size_t p = begin_[i]; p < diagonal_[i]; ++p) sum -= values_[p] * scratch[column_[p]];
        scratch[i] = sum;
    }
    for (std::size_t i = size_; i-- > 0;) {
        double sum = scratch[i];
        for (std::size_t p = diagonal_[i] + 1; p < begin_[i + 1]; ++p) sum -= values_[p] * scratch[column_[p]];
        scratch[i] = sum * reciprocal_[i];
        x[order_[i]] = scratch[i];
    }
}

}  // namespace nubridge::chemistry

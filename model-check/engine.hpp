// The checker: explores every state that a protocol can reach, breadth first, so that the first trace is a shortest one.
//
// A protocol is a class with
//   State      a struct of bytes, each below 16, without padding
//   initial()  the first state
//   steps(state, successors)        appends every state that can follow, with the step that leads there
//   broken(state), broken(before, after)   the invariant that does not hold, or nullptr
//   serves(state)                   true when the service is there
//   bounded(state)                  true when it is our bound that keeps it from going on, and not the protocol
//   tell(state)                     one line for a reader
// A step that is a fault counts against the protocol's own bound, and is not waited for: whether the service can come
// back is asked of the other steps alone.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace model {

struct Step {
    const char* text;
    std::uint8_t node;  // who does it; NOBODY for what befalls all
    bool fault;
};
constexpr std::uint8_t NOBODY = 255;

template <class State>
struct Successors {
    struct Entry {
        State state;
        Step step;
    };
    std::vector<Entry> entries;
    void add(const State& state, Step step) { entries.push_back({state, step}); }
};

enum class Verdict { HOLDS, BROKEN, STUCK, TOO_LARGE };

struct Report {
    Verdict verdict = Verdict::HOLDS;
    std::string what;       // the invariant, or what else is to be said
    std::string trace;      // in words, one step a line
    std::size_t states = 0;
    std::size_t memory = 0;  // bytes
    unsigned depth = 0;     // steps from the first state to the farthest one, or to the violation
    double seconds = 0;
};

// A growing row that never moves what it holds: no copy of gigabytes when it grows.
template <class Item>
class Row {
public:
    void push(const Item& item) {
        if (size_ % CHUNK == 0) chunks_.push_back(std::make_unique<Item[]>(CHUNK));
        chunks_.back()[size_++ % CHUNK] = item;
    }
    Item& operator[](std::size_t place) { return chunks_[place / CHUNK][place % CHUNK]; }
    const Item& operator[](std::size_t place) const { return chunks_[place / CHUNK][place % CHUNK]; }
    std::size_t size() const { return size_; }
    std::size_t bytes() const { return chunks_.size() * CHUNK * sizeof(Item); }

private:
    static constexpr std::size_t CHUNK = std::size_t{1} << 16;
    std::vector<std::unique_ptr<Item[]>> chunks_;
    std::size_t size_ = 0;
};

template <class Protocol>
class Checker {
    using State = typename Protocol::State;
    static_assert(std::has_unique_object_representations_v<State>, "a state must have no padding");
    static constexpr std::size_t PACKED = (sizeof(State) + 15) / 16 * 8;  // two bytes in one, whole words
    using Packed = std::array<std::uint8_t, PACKED>;

public:
    Checker(const Protocol& protocol, std::size_t memory_limit) : protocol_(protocol), limit_(memory_limit) {}

    Report run() {
        const auto began = std::chrono::steady_clock::now();
        Report report = explore();
        if (report.verdict == Verdict::HOLDS) look_for_stuck(report);
        report.states = states_.size();
        report.memory = memory();
        report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        return report;
    }

private:
    Report explore() {
        Report report;
        remember(pack(protocol_.initial()), 0);
        std::size_t level_end = 1;
        Successors<State> next;
        for (std::size_t place = 0; place < states_.size(); ++place) {
            if (place == level_end) {
                ++report.depth;
                level_end = states_.size();
            }
            if (place % 4096 == 0 && memory() > limit_) return too_large(report);
            const State state = unpack(states_[place]);
            if (const char* what = protocol_.broken(state)) return violated(report, what, place);
            next.entries.clear();
            protocol_.steps(state, next);
            first_edge_.push(edges_.size());
            for (const auto& entry : next.entries) {
                const std::size_t target = remember(pack(entry.state), place);
                if (const char* what = protocol_.broken(state, entry.state)) return violated(report, what, target);
                if (!entry.step.fault && target != place) edges_.push(static_cast<std::uint32_t>(target));
            }
        }
        first_edge_.push(edges_.size());
        return report;
    }

    // From every state the service must be able to come back without another fault.
    void look_for_stuck(Report& report) {
        std::vector<bool> lives(states_.size());
        bool changed = true;
        for (bool first = true; changed; first = false) {
            changed = false;
            for (std::size_t place = states_.size(); place-- > 0;) {
                if (lives[place]) continue;
                bool alive = first && hopeful(place);
                for (std::size_t edge = first_edge_[place]; !alive && edge < first_edge_[place + 1]; ++edge)
                    alive = lives[edges_[edge]];
                if (alive) lives[place] = changed = true;
            }
        }
        for (std::size_t place = 0; place < states_.size(); ++place) {
            if (lives[place]) continue;
            report.verdict = Verdict::STUCK;
            report.what = "never stuck: no service can come back from here without another fault";
            report.trace = trace(place, report.depth);
            return;
        }
    }

    bool hopeful(std::size_t place) const {
        const State state = unpack(states_[place]);
        return protocol_.serves(state) || protocol_.bounded(state);
    }

    Report violated(Report report, const char* what, std::size_t place) {
        report.verdict = Verdict::BROKEN;
        report.what = what;
        report.trace = trace(place, report.depth);
        return report;
    }

    Report too_large(Report report) {
        report.verdict = Verdict::TOO_LARGE;
        report.what = "more memory would be needed than is allowed; nothing is proven";
        return report;
    }

    std::string trace(std::size_t last, unsigned& depth) {
        std::vector<std::size_t> path;
        for (std::size_t place = last; place != 0; place = parents_[place]) path.push_back(place);
        depth = static_cast<unsigned>(path.size());
        std::string text = "      " + protocol_.tell(unpack(states_[0])) + "\n";
        std::size_t at = 0;
        Successors<State> next;
        for (unsigned number = 1; !path.empty(); path.pop_back(), ++number) {
            next.entries.clear();
            protocol_.steps(unpack(states_[at]), next);
            at = path.back();
            for (const auto& entry : next.entries) {
                if (pack(entry.state) != states_[at]) continue;
                const std::uint8_t node = entry.step.node;
                const std::string who = node == NOBODY ? "" : std::string(1, char('A' + node)) + " ";
                text += (number < 10 ? "  " : " ") + std::to_string(number) + ". " + who + entry.step.text + "\n";
                text += "      " + protocol_.tell(entry.state) + "\n";
                break;
            }
        }
        return text;
    }

    // The place of the state; a new one is put at the end.
    std::size_t remember(const Packed& packed, std::size_t parent) {
        if (states_.size() * 10 >= table_.size() * 6) grow();
        std::size_t slot = hash(packed) & (table_.size() - 1);
        while (table_[slot] != EMPTY) {
            if (states_[table_[slot]] == packed) return table_[slot];
            slot = (slot + 1) & (table_.size() - 1);
        }
        table_[slot] = static_cast<std::uint32_t>(states_.size());
        states_.push(packed);
        parents_.push(static_cast<std::uint32_t>(parent));
        return states_.size() - 1;
    }

    void grow() {
        std::vector<std::uint32_t> larger(table_.empty() ? 1 << 16 : table_.size() * 2, EMPTY);
        for (std::size_t place = 0; place < states_.size(); ++place) {
            std::size_t slot = hash(states_[place]) & (larger.size() - 1);
            while (larger[slot] != EMPTY) slot = (slot + 1) & (larger.size() - 1);
            larger[slot] = static_cast<std::uint32_t>(place);
        }
        table_.swap(larger);
    }

    static std::uint64_t hash(const Packed& packed) {
        std::uint64_t mixed = 0x9e3779b97f4a7c15u;
        for (std::size_t at = 0; at < PACKED; at += 8) {
            std::uint64_t word;
            std::memcpy(&word, packed.data() + at, 8);
            mixed = (mixed ^ word) * 0xff51afd7ed558ccdu;
            mixed ^= mixed >> 32;
        }
        return mixed;
    }

    static Packed pack(const State& state) {
        std::uint8_t bytes[PACKED * 2] = {};
        std::memcpy(bytes, &state, sizeof state);
        Packed packed;
        for (std::size_t at = 0; at < PACKED; ++at)
            packed[at] = static_cast<std::uint8_t>(bytes[2 * at] | bytes[2 * at + 1] << 4);
        return packed;
    }

    static State unpack(const Packed& packed) {
        std::uint8_t bytes[PACKED * 2];
        for (std::size_t at = 0; at < PACKED; ++at) {
            bytes[2 * at] = packed[at] & 15;
            bytes[2 * at + 1] = packed[at] >> 4;
        }
        State state;
        std::memcpy(&state, bytes, sizeof state);
        return state;
    }

    std::size_t memory() const {
        // A table that grows is there twice, half as large.
        return states_.bytes() + parents_.bytes() + edges_.bytes() + first_edge_.bytes() + table_.size() * 6;
    }

    static constexpr std::uint32_t EMPTY = 0xffffffffu;
    const Protocol& protocol_;
    std::size_t limit_;
    Row<Packed> states_;
    Row<std::uint32_t> parents_;
    Row<std::uint32_t> edges_;
    Row<std::uint64_t> first_edge_;
    std::vector<std::uint32_t> table_;
};

}  // namespace model

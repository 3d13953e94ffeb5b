// Three nodes without a store: the right comes from the answers of enough others, and a side that is the majority of the
// configured nodes waits D from the moment it was formed.
//
// A ring is known by its members: as soon as they form another one, nobody else shares the old one. The bus forms a ring
// at once for all of its members; the agent of each hears of that in its own time, in the order of all messages.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include "../engine.hpp"

namespace model::majority {

using u8 = std::uint8_t;

constexpr int NODES = 3;
constexpr u8 ALL = (1 << NODES) - 1;
constexpr u8 UNSET = 15;

struct Node {
    u8 up;
    u8 ring, view, behind;    // where the bus is, what the agent knows, and whether it has to hear of another ring
    u8 right, beat, answered;
    u8 wait;                  // ticks left of D, since this side was formed
    u8 runs, order;
};

struct State {
    Node node[NODES];
    u8 faults;
};

struct Broken {
    bool counted_from_receipt = false;  // 1
    bool answers_across = false;        // 1
    bool no_isolation = false;          // 1
    bool no_answer_needed = false;      // 2
    bool wait_of_node = false;          // 4: the wait belongs to the node, not to the side
    bool no_wait = false;               // 4
    bool short_wait = false;            // 4
    bool any_side = false;              // 4
    bool order_without_stop = false;    // 10
    bool answer_overtakes_ring = false; // 10
};

struct Terms {
    u8 right = 1, wait = 1, drift = 0, faults = 3;
    Broken broken;
    u8 longest_right() const { return right + drift; }
    u8 full_wait() const { return wait - (broken.short_wait ? 1 : 0); }
};

class Protocol {
public:
    using State = majority::State;
    explicit Protocol(const Terms& terms) : terms_(terms) {}

    State initial() const {
        State state{};
        for (Node& node : state.node) {
            node.up = 1;
            node.ring = node.view = ALL;
            node.right = terms_.longest_right();
            node.wait = UNSET;
        }
        state.node[0].runs = 1;
        state.faults = terms_.faults;
        return state;
    }

    void steps(const State& now, Successors<State>& successors) const {
        pass_time(now, successors);
        rings(now, successors);
        for (u8 i = 0; i < NODES; ++i) {
            machine(now, i, successors);
            beats(now, i, successors);
            start(now, i, successors);
        }
    }

    const char* broken(const State& state) const {
        int active = 0;
        for (const Node& node : state.node) active += acts(node);
        return active > 1 ? "I1: two nodes are active" : nullptr;
    }
    const char* broken(const State&, const State&) const { return nullptr; }

    bool serves(const State& state) const {
        return std::any_of(state.node, state.node + NODES, [this](const Node& node) { return acts(node); });
    }
    bool bounded(const State&) const { return false; }

    std::string tell(const State& state) const {
        std::string text;
        for (int i = 0; i < NODES; ++i) {
            const Node& node = state.node[i];
            text += std::string(i ? "; " : "") + char('A' + i) + ": ";
            if (!node.up) {
                text += "down";
                continue;
            }
            text += "knows " + members(node.view) + (node.behind ? ", is in " + members(node.ring) : "");
            text += ", right " + std::to_string(node.right);
            if (node.wait != UNSET) text += ", waits " + std::to_string(node.wait);
            if (acts(node)) text += ", ACTIVE";
        }
        return text;
    }

private:
    static std::string members(u8 mask) {
        std::string text;
        for (int i = 0; i < NODES; ++i)
            if (mask >> i & 1) text += char('A' + i);
        return text;
    }

    bool acts(const Node& node) const { return node.up && node.runs && (node.right || terms_.broken.no_isolation); }
    static bool is_majority(u8 mask) { return 2 * std::popcount(mask) > NODES; }

    void settle(State& state) const {
        for (Node& node : state.node) {
            if (node.runs && !acts(node)) node.runs = 0;
            if (node.beat <= node.right && !terms_.broken.counted_from_receipt) node.beat = 0;
            if (!node.beat) node.answered = 0;
            if (node.answered) node.answered = ALL;  // of three nodes one answer is enough
        }
    }

    void step(State state, u8 who, const char* text, Successors<State>& successors) const {
        settle(state);
        successors.add(state, {text, who, false});
    }

    void fault(State state, u8 who, const char* text, Successors<State>& successors) const {
        if (!state.faults) return;
        --state.faults;
        settle(state);
        successors.add(state, {text, who, true});
    }

    void pass_time(const State& now, Successors<State>& successors) const {
        State state = now;
        for (Node& node : state.node) {
            const bool kept = terms_.broken.no_answer_needed && node.view == ALL;
            if (node.right && !kept) --node.right;
            if (node.beat) --node.beat;
            if (node.wait && node.wait != UNSET) --node.wait;
        }
        step(state, NOBODY, "a tick passes", successors);
    }

    // Any nodes that are up may form a ring. It is a fault when somebody is left out who is there.
    void rings(const State& now, Successors<State>& successors) const {
        static const char* NAMES[] = {"", "the ring A forms", "the ring B forms", "the ring AB forms", "the ring C forms",
                                      "the ring AC forms", "the ring BC forms", "the ring ABC forms"};
        for (u8 mask = 1; mask <= ALL; ++mask) {
            State state = now;
            bool possible = true, there = true, leaves_out = false;
            for (int i = 0; i < NODES; ++i) {
                if (!(mask >> i & 1)) continue;
                possible = possible && now.node[i].up;
                there = there && now.node[i].ring == mask;
                for (int j = 0; j < NODES; ++j) {
                    const bool shared = now.node[j].up && now.node[j].ring == now.node[i].ring;
                    leaves_out = leaves_out || (shared && !(mask >> j & 1));
                }
                state.node[i].ring = mask;
                state.node[i].behind = 1;
            }
            if (!possible || there) continue;
            if (leaves_out) fault(state, NOBODY, NAMES[mask], successors);
            else step(state, NOBODY, NAMES[mask], successors);
        }
    }

    void machine(const State& now, u8 i, Successors<State>& successors) const {
        const Node& node = now.node[i];
        State state = now;
        Node& me = state.node[i];
        if (!node.up) {
            me.up = 1;
            me.ring = me.view = u8(1 << i);
            me.wait = UNSET;
            step(state, i, "boots", successors);
            return;
        }
        me = Node{};
        me.wait = UNSET;
        fault(state, i, "loses power", successors);
        state = now;
        if (node.runs) {
            me.runs = 0;
            fault(state, i, "is told by an operator to stop the group", successors);
            state = now;
        }
        if (!node.behind) return;
        me.behind = 0;
        me.view = node.ring;
        me.order = 0;
        const bool any = terms_.broken.any_side || terms_.broken.wait_of_node;
        const bool waits = me.view != ALL && (is_majority(me.view) || any);
        if (!waits) me.wait = UNSET;
        else if (!terms_.broken.wait_of_node || node.wait == UNSET) me.wait = terms_.full_wait();
        step(state, i, "hears of its new ring", successors);
    }

    void beats(const State& now, u8 i, Successors<State>& successors) const {
        const Node& node = now.node[i];
        if (!node.up) return;
        if (node.beat < terms_.longest_right() && node.right < terms_.longest_right()) {
            State state = now;
            state.node[i].beat = terms_.longest_right();
            state.node[i].answered = 0;
            step(state, i, "sends a beat", successors);
        }
        for (u8 j = 0; j < NODES; ++j) {
            const Node& other = now.node[j];
            if (j == i || !node.beat || (node.answered >> j & 1) || !other.up) continue;
            // An answer of the new ring is heard after the ring itself: all comes in one order.
            const bool in_order = !node.behind || terms_.broken.answer_overtakes_ring;
            const bool same = other.ring == node.ring && !other.behind && in_order;
            if (!same && !terms_.broken.answers_across) continue;
            State state = now;
            state.node[i].answered |= u8(1 << j);
            static const char* TEXTS[] = {"answers the beat of A", "answers the beat of B", "answers the beat of C"};
            step(state, j, TEXTS[i], successors);
        }
        const bool enough = is_majority(u8(node.answered | 1 << i)) || terms_.broken.any_side;
        if (node.beat && enough) {
            State state = now;
            const u8 worth = terms_.broken.counted_from_receipt ? terms_.longest_right() : node.beat;
            state.node[i].right = std::max(node.right, worth);
            state.node[i].beat = state.node[i].answered = 0;
            step(state, i, "hears that enough others have answered", successors);
        }
    }

    void start(const State& now, u8 i, Successors<State>& successors) const {
        const Node& node = now.node[i];
        if (!node.up) return;
        if (may_be_ordered(now, i)) {
            State state = now;
            state.node[i].order = 1;
            step(state, i, "is to start the group: its side has agreed", successors);
        }
        if (node.order && node.right && !node.runs) {
            State state = now;
            state.node[i].order = 0;
            state.node[i].runs = 1;
            step(state, i, "STARTS", successors);
        }
    }

    // Agreed by the members of one ring, at one place in the order of its messages.
    bool may_be_ordered(const State& now, u8 i) const {
        const u8 side = now.node[i].view;
        if (now.node[i].runs) return false;
        bool waited = side == ALL || terms_.broken.no_wait;
        for (int j = 0; j < NODES; ++j) {
            if (!(side >> j & 1)) continue;
            const Node& member = now.node[j];
            if (!member.up || member.ring != side || member.view != side || member.behind) return false;
            if ((member.runs && !terms_.broken.order_without_stop) || member.order) return false;
            waited = waited || (member.wait != UNSET && member.wait <= terms_.drift);
        }
        return waited && (is_majority(side) || terms_.broken.any_side);
    }

    Terms terms_;
};

}  // namespace model::majority

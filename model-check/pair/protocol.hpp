// The protocol of two nodes, put together.
#pragma once

#include "change.hpp"
#include "mirror.hpp"
#include "rights.hpp"
#include "vote.hpp"

namespace model::pair {

class Protocol {
public:
    using State = pair::State;
    explicit Protocol(const Terms& terms) : terms_(terms) {}

    State initial() const {
        State state{};
        for (Node& node : state.node) {
            node.up = node.together = 1;
            node.right = terms_.right_of(node);
            node.wait = UNSET;
            node.kept = node.force = node.at = 1;
            if (terms_.mirror) node.epoch = 1, node.flag = SYNC;
        }
        state.node[0].runs = 1;
        for (Record& record : state.record) record = {1, NO_OWNER, 0, 3, terms_.wait_of(state.node[0]), 0};
        state.linked = state.store = 1;
        state.session = terms_.mirror;
        state.faults = terms_.faults;
        return state;
    }

    void steps(const State& state, Successors<State>& successors) const {
        Next next(terms_, state, successors);
        pass_time(next);
        network_and_store(next);
        for (u8 i = 0; i < 2; ++i) {
            landing(next, i);
            machine(next, i);
            clean_leave(next, i);
            beats(next, i);
            read_record(next, i);
            claim(next, i);
            renew(next, i);
            learn(next, i);
            start_alone(next, i);
            start_together(next, i);
            fence(next, i);
            change(next, i);
            if (terms_.mirror) {
                writes(next, i);
                outdate(next, i);
                come_back(next, i);
                add_current(next, i);
            }
        }
    }

    const char* broken(const State& state) const {
        const Node& a = state.node[0];
        const Node& b = state.node[1];
        if (terms_.stopped_clock) return broken_copy(terms_, state);
        if (acts(terms_, a) && acts(terms_, b)) return "I1: both nodes are active";
        if (!a.together && a.won && a.right && !b.together && b.won && b.right)
            return "I6: two nodes hold the vote at once";
        return terms_.mirror ? broken_copy(terms_, state) : nullptr;
    }

    const char* broken(const State& before, const State& after) const {
        for (int at = 0; at < 2; ++at)
            if (after.record[at].epoch < before.record[at].epoch) return "I4: the epoch of the record went back";
        return terms_.mirror ? broken_copy(terms_, before, after) : nullptr;
    }

    bool serves(const State& state) const { return acts(terms_, state.node[0]) || acts(terms_, state.node[1]); }

    bool bounded(const State& state) const {
        return state.record[0].epoch >= terms_.epochs || state.record[1].epoch >= terms_.epochs;
    }

    std::string tell(const State& state) const { return pair::tell(terms_, state); }

private:
    Terms terms_;
};

}  // namespace model::pair

// Rule 12: another configuration. All write it down while together, then it comes into force at one place in the order;
// each node reaches that place in its own time. A store is left by sealing its record.
#pragma once

#include "vote.hpp"

namespace model::pair {

inline void put_in_force(const Terms& terms, Node& node) {
    node.kept = node.force = 2;
    node.settled_in = std::max(terms.wait, terms.new_wait);
    // A beat is worth the shorter E of its sending and of now: others that answer it may wait by the new one already.
    const u8 less = terms.right > terms.new_right ? terms.right - terms.new_right : 0;
    node.beat = node.beat > less ? node.beat - less : 0;
    if (terms.broken.no_seal && terms.moves) node.at = 2;
    if (terms.broken.old_beats_worth_more && node.beat && terms.new_right > terms.right)
        node.beat += terms.new_right - terms.right;
}

inline void change(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    if (!terms.change || !node.up) return;
    const bool met = node.together && peer.up && peer.together && now.linked;
    if (met && node.kept == 1) {
        State state = now;
        state.node[i].kept = 2;
        next.step(state, i, "writes the new configuration down");
    }
    const bool agreed = peer.kept == 2 || terms.broken.in_force_before_kept;
    const bool delivered = peer.force == 2 ? node.together : met;
    if (node.kept == 2 && node.force == 1 && agreed && delivered) {
        State state = now;
        put_in_force(terms, state.node[i]);
        next.step(state, i, "puts the new configuration into force");
    }
    if (met && node.force == 1 && peer.force == 2 && node.kept == 1) {
        State state = now;
        put_in_force(terms, state.node[i]);
        next.step(state, i, "gets the configuration in force from the other one");
    }
    if (terms.broken.changed_alone && !node.together && node.force == 1 && !node.write) {
        State state = now;
        put_in_force(terms, state.node[i]);
        if (terms.moves) state.node[i].at = 2, state.node[i].knows = state.node[i].won = 0, state.node[i].wait = UNSET;
        next.fault(state, i, "puts a new configuration into force while alone");
    }
}

}  // namespace model::pair

// Rules 1, 4 and 10: the run right, and what may be started on the strength of it.
#pragma once

#include "places.hpp"

namespace model::pair {

// A right together: a beat that the other node has answered while together counts from its sending.
inline void beats(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    if (!node.up || (!node.together && !terms.broken.answers_alone)) return;
    if (node.beat < terms.right_of(node) && !node.answered && node.together) {
        State state = now;
        state.node[i].beat = terms.right_of(node);
        state.node[i].beat_version = node.force;
        next.step(state, i, "sends a beat");
    }
    const bool answers = peer.up && (peer.together || terms.broken.answers_alone);
    // The beats are in the order of all messages: who answers one has seen what its sender had seen.
    const bool in_order = peer.force >= node.beat_version || terms.broken.in_force_before_kept;
    if (node.beat && !node.answered && now.linked && answers && in_order) {
        State state = now;
        state.node[i].answered = 1;
        state.node[i].answer_version = peer.force;
        next.step(state, !i, "answers the other one's beat");
    }
    if (node.answered && node.force >= node.answer_version) {
        State state = now;
        Node& me = state.node[i];
        const u8 worth = terms.broken.counted_from_receipt ? terms.right_of(node) : node.beat;
        me.right = std::max(me.right, worth);
        me.beat = me.answered = me.beat_version = me.answer_version = 0;
        next.step(state, i, "hears that its beat was answered");
    }
}

inline void start_alone(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    if (!node.up || node.together || node.runs) return;
    const bool sole = node.sole_right && node.flag == SOLE;
    const bool right = terms.mirror ? sole : node.right != 0;
    const bool waited = terms.over(node) || node.proof || terms.broken.no_wait;
    const bool named = terms.broken.own_record_is_enough && now.record[0].owner == i && node.knows;
    const bool shot_first = terms.broken.fence_without_vote && node.proof;
    if ((node.won && waited && right) || named || shot_first) {
        State state = now;
        state.node[i].runs = 1;
        promote(terms, state.node[i]);
        if (named || shot_first) state.node[i].right = std::max(node.right, terms.right_of(node));
        const char* text = node.proof ? "STARTS alone: the vote, and the fence" : "STARTS alone: the vote, and D";
        next.step(state, i, text);
    }
    // Rule 7: nobody else can change what the record says of a sole copy.
    const bool alone_complete = node.flag == SOLE || (terms.broken.synced_copy_is_sole && node.flag == SYNC);
    if (terms.mirror && alone_complete && node.sole_wait == 0) {
        State state = now;
        state.node[i].runs = state.node[i].sole_right = 1;
        promote(terms, state.node[i]);
        next.step(state, i, "STARTS alone: the sole complete copy");
    }
}

inline void start_together(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    if (!node.up) return;
    const bool met = node.together && peer.up && peer.together && now.linked;
    const bool stopped = (!node.runs && !peer.runs) || terms.broken.order_without_stop;
    if (met && stopped && !node.order && !peer.order && (!terms.mirror || copy_is_best(now, !i))) {
        State state = now;
        state.node[!i].order = 1;
        next.step(state, i, "does not run the group, and orders its start on the other one");
    }
    if (node.order && (node.together || terms.broken.order_outlives_ring) && node.right && !node.runs) {
        State state = now;
        state.node[i].order = 0;
        state.node[i].runs = 1;
        promote(terms, state.node[i]);
        next.step(state, i, "STARTS as ordered");
    }
}

// The fence: asked for after a won claim only, and proof only when confirmed of the incarnation that was meant.
inline void fence(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    if (!terms.fence) return;
    const bool may = node.up && !node.together && (node.won || terms.broken.fence_without_vote);
    if (may && node.shot == NOT_ASKED && !node.proof) {
        State state = now;
        state.node[i].shot = ASKED;
        next.step(state, i, "asks for the fence");
    }
    if (node.shot == ASKED || node.shot == FORGOTTEN) {
        if (now.node[!i].up ? can_give_up(now.node[!i]) : true) {
            State state = now;
            if (now.node[!i].up) crash(state, !i);
            state.node[i].shot = node.shot == ASKED ? DONE : NOT_ASKED;
            next.step(state, !i, "is switched off by the fence");
        }
        State state = now;
        state.node[i].shot = NOT_ASKED;
        const bool waits_for_it = node.shot == ASKED && node.up && !node.together;
        if (waits_for_it && terms.broken.unclear_fence_is_proof) state.node[i].proof = 1;
        next.step(state, i, "hears nothing clear of the fence, which does nothing");
    }
    if (node.shot == DONE && node.up) {
        State state = now;
        state.node[i].shot = NOT_ASKED;
        if (!node.together) state.node[i].proof = 1;
        next.step(state, i, "hears that the fence is confirmed");
    }
}

}  // namespace model::pair

// Time, the machines, the network and the store: what happens to the nodes. And rules 2 and 11: going alone, leaving.
#pragma once

#include "state.hpp"

namespace model::pair {

inline void forget_write(Node& node) {
    node.write = node.write_valid = node.write_worth = node.write_lands = node.write_adds = 0;
    node.write_waited = node.write_wait = node.write_at = 0;
}

// The write under way is given up: it may still land, and nobody waits for its answer.
inline void give_up_write(Node& node) {
    if (node.write && !node.write_lands) {
        node.stray = node.write;
        node.stray_valid = node.write_valid;
        node.stray_adds = node.write_adds;
        node.stray_wait = node.write_wait;
        node.stray_at = node.write_at;
    }
    forget_write(node);
}

// Our bound: one late write a node. Until that has landed, no second one is given up.
inline bool can_give_up(const Node& node) { return !(node.write && !node.write_lands && node.stray); }

// A new period begins: what was learned, asked or promised in the last one counts no more.
inline void new_period(const Terms& terms, Node& node) {
    if (!terms.broken.late_result_counts) give_up_write(node);
    if (!terms.broken.wait_survives_period) node.wait = UNSET;
    node.knows = node.won = 0;
    if (!terms.broken.order_outlives_ring) node.order = 0;
    node.beat = node.answered = 0;
    node.peer_outdated = 0;
    if (!terms.broken.late_reply_counts) node.reply = 0;
}

inline void go_alone(const Terms& terms, Node& node) {
    new_period(terms, node);
    node.together = 0;
    if (terms.broken.outdates_itself && node.flag == SYNC) node.flag = OUTDATED;
    node.sole_wait = terms.mirror && (node.flag == SOLE || terms.broken.synced_copy_is_sole) ? terms.wait : 0;
    if (terms.broken.no_deadline_together && !node.endless) node.right = terms.right;
    if (terms.broken.loss_is_proof && node.runs) node.endless = 1;
}

// The other one is seen in a ring: what was proven of it, and what was asked about it, belongs to the past.
inline void see(const Terms& terms, Node& node) {
    new_period(terms, node);
    if (node.shot && !terms.broken.proof_survives_return) node.shot = node.shot == ASKED ? FORGOTTEN : NOT_ASKED;
    if (!terms.broken.proof_survives_return) node.proof = 0;
}

inline void meet(const Terms& terms, Node& node) {
    see(terms, node);
    node.together = 1;
    if (terms.broken.no_deadline_together) node.right = terms.right;
    node.endless = 0;
    if (terms.change) node.settled_in = std::max(terms.wait, terms.new_wait);
}

// Power is lost: what is durable stays, and a write under way may still land.
inline void crash(State& state, int i) {
    const Node old = state.node[i];
    Node& node = state.node[i] = Node{};
    node.wait = UNSET;
    node.epoch = old.epoch, node.flag = old.flag, node.blocks = old.blocks;
    node.kept = old.kept, node.force = old.force, node.at = old.at;
    node.stray = old.stray, node.stray_valid = old.stray_valid, node.stray_adds = old.stray_adds;
    node.stray_wait = old.stray_wait, node.stray_at = old.stray_at;
    node.shot = old.shot == ASKED ? FORGOTTEN : old.shot == FORGOTTEN ? FORGOTTEN : NOT_ASKED;
    if (old.write && !old.write_lands) {
        node.write = old.write, node.write_valid = old.write_valid, node.write_adds = old.write_adds;
        node.write_wait = old.write_wait, node.write_at = old.write_at;
        give_up_write(node);
    }
    state.session = 0;
}

// Rule 8: before a copy is used, all is on the disk that was accepted for it as a replica.
inline void promote(const Terms& terms, Node& node) {
    if (terms.broken.promotes_with_session || !node.queued) return;
    node.blocks |= u8(1 << (node.queued - 1));
    node.queued = 0;
}

inline void pass_time(Next& next) {
    const Terms& terms = next.terms;
    State state = next.now;
    for (Node& node : state.node) {
        if (terms.stopped_clock && &node == &state.node[0]) continue;
        if (node.right && !(terms.broken.no_deadline_together && node.together)) --node.right;
        if (node.beat && !--node.beat) node.answered = 0;
        if (node.write_worth) --node.write_worth;
        if (node.wait && node.wait != UNSET) --node.wait;
        if (node.sole_wait) --node.sole_wait;
        if (node.settled_in) --node.settled_in;
    }
    next.step(state, NOBODY, "a tick passes");
}

inline void network_and_store(Next& next) {
    State state = next.now;
    state.linked = !state.linked;
    if (state.linked) next.step(state, NOBODY, "the interconnect is mended");
    else next.fault(state, NOBODY, "the interconnect is cut");
    state = next.now;
    state.store = !state.store;
    if (state.store) next.step(state, NOBODY, "the store answers again");
    else next.fault(state, NOBODY, "the store goes down");
    if (next.now.session) {
        state = next.now;
        state.session = 0;
        next.fault(state, NOBODY, "the mirror's connection breaks");
    }
}

inline void machine(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    if (!node.up) {
        State state = now;
        state.node[i].up = 1;
        state.node[i].sole_wait =
            terms.mirror && (node.flag == SOLE || terms.broken.synced_copy_is_sole) ? terms.wait : 0;
        next.step(state, i, "boots");
        return;
    }
    if (can_give_up(node)) {
        State state = now;
        crash(state, i);
        next.fault(state, i, "loses power");
        if (!node.together) {
            state = now;
            new_period(terms, state.node[i]);
            next.fault(state, i, "sees a new ring without the other one");
        }
    }
    if (node.runs) {
        State state = now;
        state.node[i].runs = state.node[i].writing = state.node[i].sole_right = state.node[i].endless = 0;
        next.fault(state, i, "is told by an operator to stop the group");
    }
    if (node.together && can_give_up(node)) {
        State state = now;
        go_alone(terms, state.node[i]);
        if (!peer.up || !now.linked || !peer.together) next.step(state, i, "notices that the other one is not there");
        else next.fault(state, i, "loses sight of the other one, which notices nothing");
    } else if (!node.together && now.linked && peer.up && can_give_up(node) && can_give_up(peer)) {
        // It has the other one's word of greeting in the new ring: so the other one has seen that ring, too.
        State state = now;
        meet(terms, state.node[i]);
        see(terms, state.node[!i]);
        next.step(state, i, "is together with the other one");
    }
}

inline bool copy_is_best(const State& state, int i) {
    const Node& mine = state.node[i];
    const Node& other = state.node[!i];
    if (mine.flag < SYNC || mine.epoch < other.epoch) return false;
    return mine.epoch != other.epoch || mine.flag >= other.flag;
}

// Rule 11: what is stopped leaves, and the one that stays is alone before that is done.
inline void clean_leave(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    if (!node.up || node.runs || !node.together || !peer.up || !peer.together || !now.linked) return;
    if (node.order || peer.order || !can_give_up(node) || !can_give_up(peer)) return;
    State state = now;
    if (terms.broken.leaver_not_counted) {
        if (state.node[!i].runs) state.node[!i].endless = 1;
    } else {
        go_alone(terms, state.node[!i]);
    }
    crash(state, i);
    // A copy may call itself outdated only when the other one is surely as good: never the sole one.
    const bool as_good = node.flag == SYNC && copy_is_best(now, !i);
    const bool outdated = as_good || (terms.broken.sole_leaver_is_outdated && node.flag > OUTDATED);
    if (terms.mirror && peer.runs && outdated) state.node[i].flag = OUTDATED;
    next.fault(state, i, "leaves cleanly");
}

}  // namespace model::pair

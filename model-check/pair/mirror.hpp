// Rules 6 to 9: who may acknowledge a write, what a replica accepts, and how a copy becomes complete again.
#pragma once

#include "rights.hpp"

namespace model::pair {

inline void writes(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    if (acts(terms, node) && node.writing == IDLE && now.written < terms.writes) {
        State state = now;
        Node& me = state.node[i];
        me.writing = WRITTEN;
        me.block = u8(state.written);
        me.blocks |= 1 << state.written++;
        next.step(state, i, "writes to its copy");
    }
    // Rule 8: the replica looks at the epoch, at its own flag, and whether its copy is in use.
    const bool fits = peer.flag == SYNC && !peer.runs && peer.epoch <= node.epoch;
    if (node.writing == WRITTEN && now.session && peer.up && !peer.queued && (fits || terms.broken.replica_takes_all)) {
        State state = now;
        state.node[i].writing = ACCEPTED;
        state.node[!i].queued = u8(node.block + 1);
        next.step(state, !i, "accepts the other one's write");
    }
    // What was accepted may reach the disk late, when its sender is long gone.
    if (node.up && node.queued) {
        State state = now;
        Node& sender = state.node[!i];
        if (sender.writing == ACCEPTED && sender.block + 1 == node.queued) sender.writing = ON_BOTH;
        state.node[i].blocks |= u8(1 << (node.queued - 1));
        state.node[i].queued = 0;
        next.step(state, i, "has the other one's write on its disk");
    }
    if (terms.broken.replica_takes_all && now.linked && node.up && peer.up && !now.session) {
        State state = now;
        state.session = 1;
        next.step(state, i, "connects the mirror again, and nobody looks at the epochs");
    }
    const bool hasty = terms.broken.acknowledges_on_loss && !node.together;
    const bool by_itself = node.writing != IDLE && (node.sole_right || node.peer_outdated || hasty);
    if (acts(terms, node) && (node.writing == ON_BOTH || by_itself)) {
        State state = now;
        state.acknowledged |= 1 << node.block;
        state.node[i].writing = IDLE;
        next.step(state, i, "ACKNOWLEDGES the write");
    }
}

inline void outdate(Next& next, u8 i) {
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    const bool met = node.up && node.together && peer.up && peer.together && now.linked;
    if (met && node.runs && !now.session && peer.flag == SYNC && !peer.runs && !peer.order && !node.sole_right) {
        State state = now;
        state.node[!i].flag = OUTDATED;
        state.node[i].reply = 1;
        next.step(state, !i, "marks its copy as outdated, as the other one asked, and answers");
    }
    if (node.reply && node.together) {
        State state = now;
        state.node[i].reply = 0;
        state.node[i].peer_outdated = 1;
        next.step(state, i, "hears that the other copy is outdated");
    }
}

inline void come_back(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    const bool met = node.up && node.together && peer.up && peer.together && now.linked;
    if (!met || peer.runs) return;
    const bool best = copy_is_best(now, i);
    if (best && !now.session && !peer.order && peer.flag != INCONSISTENT) {
        State state = now;
        Node& target = state.node[!i];
        target.flag = terms.broken.target_synced_first ? SYNC : INCONSISTENT;
        if (terms.broken.target_synced_first) target.epoch = node.epoch;
        target.sole_right = 0;
        next.step(state, i, "begins to bring the other copy up to date");
    }
    if (best && !now.session && peer.flag == (terms.broken.target_synced_first ? SYNC : INCONSISTENT) &&
        (!node.runs || node.right || node.sole_right)) {
        State state = now;
        Node& source = state.node[i];
        Node& target = state.node[!i];
        target.blocks = source.blocks;
        target.queued = 0;
        state.session = 1;
        // From now on both have to acknowledge: its run right is rule 1's again.
        if (!terms.broken.source_stays_sole) source.flag = SYNC, source.sole_right = 0;
        if (source.writing != IDLE) source.writing = ON_BOTH;
        source.peer_outdated = target.peer_outdated = target.reply = 0;
        if (!terms.broken.late_reply_counts) source.reply = 0;
        next.step(state, i, "has copied all blocks to the other one");
    }
    if (best && now.session && peer.flag == INCONSISTENT && (node.flag == SYNC || terms.broken.source_stays_sole)) {
        State state = now;
        state.node[!i].flag = SYNC;
        state.node[!i].epoch = node.epoch;
        next.step(state, !i, "marks its copy as complete");
    }
}

// Rule 9, at last: the record says whose copy is complete. Whoever runs the mirror repairs it.
inline void add_current(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    const Node& peer = now.node[!i];
    const bool met = node.up && node.together && peer.up && peer.together && now.linked;
    if (!met || !now.store || node.write || !copy_is_best(now, i)) return;
    if (peer.runs && !node.runs) return;
    const bool complete = peer.flag == SYNC && peer.epoch == node.epoch && now.session;
    const bool early = terms.broken.current_before_copied && peer.flag == INCONSISTENT;
    if (node.flag != SYNC && !early && !terms.broken.source_stays_sole) return;
    const u8 adds = u8(1 << i | (complete || early ? 1 << !i : 0));
    const u8 current = now.record[0].current;
    if ((current | adds) == current) return;
    State state = now;
    Node& me = state.node[i];
    me.write = ADD, me.write_valid = 1, me.write_adds = adds, me.write_at = 1;
    next.step(state, i, "writes into the record whose copies are complete");
}

inline const char* broken_copy(const Terms& terms, const State& state) {
    for (int i = 0; i < 2; ++i) {
        const Node& node = state.node[i];
        if (terms.stopped_clock && i == 0) continue;
        if (acts(terms, node) && (node.blocks & state.acknowledged) != state.acknowledged)
            return "I2: a write that was acknowledged is missing where the group is active";
        if (node.flag == SOLE && state.record[0].current != (1 << i))
            return "I3: a copy is marked as the sole one, and the record does not say so";
    }
    if (!state.record[0].current) return "I5: the record says of no copy that it is complete";
    return nullptr;
}

inline const char* broken_copy(const Terms& terms, const State& before, const State& after) {
    for (int i = 0; i < 2; ++i) {
        const Node& old = before.node[i];
        const Node& node = after.node[i];
        if (node.epoch < old.epoch) return "I4: the epoch of a copy went back";
        if (terms.stopped_clock && i == 0) continue;
        const bool own = old.writing == IDLE && node.writing != IDLE;
        if (acts(terms, old) && node.blocks != old.blocks && !own)
            return "I7: a foreign write reached a copy that is in use";
    }
    return nullptr;
}

}  // namespace model::pair

// Rules 3 and 5: the record in the store. Read, wait, compare-and-swap, read back, renew, settle, release.
#pragma once

#include "places.hpp"

namespace model::pair {

// The record changes: whoever knew the version before knows nothing now, and what was to replace it will not.
inline void changed(State& state, int by, u8 at) {
    for (int i = 0; i < 2; ++i) {
        Node& node = state.node[i];
        if (node.write && !node.write_lands && node.write_at == at) node.write_valid = 0;
        if (node.stray && node.stray_at == at) node.stray_valid = 0;
        if (i != by && node.at == at) node.knows = 0;
    }
}

inline void apply(State& state, int i, u8 kind, u8 adds, u8 wait, u8 at, bool mirror) {
    Record& record = state.record[at - 1];
    changed(state, i, at);
    switch (kind) {
        case CLAIM:
            ++record.epoch;
            record.owner = u8(i), record.alone = 1, record.wait = wait;
            if (mirror && adds) record.current = u8(1 << i);
            break;
        case RENEW: record.owner = u8(i), record.alone = 1, record.wait = wait; break;
        case ADD: record.current |= adds; break;
        case SETTLE: record.alone = 0, record.wait = wait; break;
        case RELEASE: record.owner = NO_OWNER, record.alone = 0; break;
        case SEAL:
            record.sealed = 1;
            state.record[1].epoch = std::max(state.record[1].epoch, record.epoch);
            break;
        default: break;
    }
}

// A write reaches the store whether or not its sender still lives.
inline void landing(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    if (!now.store) return;
    if (node.write && !node.write_lands) {
        State state = now;
        if (node.write_valid || takes_all(terms, node.write)) {
            apply(state, i, node.write, node.write_adds, node.write_wait, node.write_at, terms.mirror);
            state.node[i].write_lands = 1;
        } else {
            state.node[i].write_lands = 2;
        }
        state.node[i].write_valid = 0;
        next.step(state, i, state.node[i].write_lands == 1 ? "(its write is made)" : "(its write is refused)");
    }
    if (node.stray) {
        State state = now;
        const bool lands = node.stray_valid || takes_all(terms, node.stray);
        if (lands) {
            apply(state, i, node.stray, node.stray_adds, node.stray_wait, node.stray_at, terms.mirror);
            if (state.node[i].at == node.stray_at) state.node[i].knows = 0;
        }
        forget_stray(state.node[i]);
        next.step(state, i, lands ? "(its stray write is made)" : "(its stray write is refused)");
    }
}

inline void send(Next& next, State state, u8 i, u8 kind, u8 adds, u8 wait, const char* text,
                 bool fault = false) {
    Node& node = state.node[i];
    node.write = kind;
    node.write_valid = 1;
    node.write_worth = next.terms.right_of(node);
    node.write_adds = adds;
    node.write_waited = next.terms.over(node);
    node.write_wait = wait;
    node.write_at = node.at;
    if (fault) next.fault(state, i, text);
    else next.step(state, i, text);
}

// D that goes into the record: it becomes shorter only when no longer right can be left anywhere.
inline u8 written_wait(const Terms& terms, const Node& node, const Record& record, bool calm) {
    const u8 own = terms.wait_of(node);
    if (terms.broken.shorter_wait_at_once || (calm && node.force == 2 && !node.settled_in)) return own;
    return std::max(own, record.wait);
}

inline u8 longest_wait(const Terms& terms, const Node& node, const Record& record) {
    const u8 own = terms.wait_of(node);
    return terms.change && !terms.broken.wait_of_record_ignored ? std::max(own, record.wait) : own;
}

inline void read_record(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    if (!node.up || node.together || node.knows || !now.store || node.write) return;
    const Record& record = now.record[node.at - 1];
    State state = now;
    Node& me = state.node[i];
    if (me.won) me.proof = 0;
    me.won = 0;
    if (record.sealed) {
        // It has moved: only who keeps the new configuration can follow.
        if (node.kept != 2) return;
        me.at = 2;
        if (me.force != 2) me.force = 2, me.settled_in = std::max(terms.wait, terms.new_wait);
        next.step(state, i, "reads that the record is sealed, and follows to the new one");
        return;
    }
    me.knows = 1;
    if (!(terms.broken.wait_survives_period && node.wait != UNSET)) me.wait = longest_wait(terms, node, record);
    next.step(state, i, "reads the record");
}

inline void claim(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    if (!node.up || node.together || !node.knows || node.write || node.won || node.sole_right) return;
    const Record& record = now.record[node.at - 1];
    if (record.epoch >= terms.epochs) return;
    const bool held = record.alone && record.owner != i && record.owner != NO_OWNER;
    if (held && !terms.over(node) && !terms.broken.takes_from_holder) return;
    const bool complete = (record.current >> i & 1) && node.flag >= SYNC;
    if (terms.mirror && !complete && !terms.broken.any_copy_claims) return;
    if (terms.moves && node.force == 2 && node.at == 1) {
        send(next, now, i, SEAL, 0, 0, "seals the old record");
        return;
    }
    const u8 wait = written_wait(terms, node, record, false);
    send(next, now, i, CLAIM, terms.mirror && !terms.broken.current_not_claimed, wait, "claims the vote");
}

inline void renew(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    if (!node.up || node.write) return;
    const Record& record = now.record[node.at - 1];
    const bool known = node.knows || terms.broken.renewal_unconditional;
    if (!node.together && node.won && known && node.right < terms.right_of(node)) {
        const u8 wait = written_wait(terms, node, record, false);
        send(next, now, i, RENEW, 0, wait, "renews the vote");
    }
    // Nothing can be started here: the vote is given back. What is active keeps it.
    if (!terms.mirror && !node.together && node.won && node.knows && !node.runs) {
        State state = now;
        state.node[i].won = state.node[i].proof = 0;
        state.node[i].wait = UNSET;
        send(next, state, i, RELEASE, 0, 0, "cannot start the group, and gives the vote back", true);
    }
    if (node.together && now.store && !record.sealed && record.alone && record.owner == i) {
        send(next, now, i, SETTLE, 0, written_wait(terms, node, record, true), "writes that all are together");
    }
}

inline void learn(Next& next, u8 i) {
    const Terms& terms = next.terms;
    const State& now = next.now;
    const Node& node = now.node[i];
    if (!node.up || !node.write) return;
    if (node.write_lands) {
        State state = now;
        Node& me = state.node[i];
        const Record& record = now.record[node.write_at - 1];
        const bool counts = node.write_lands == 1 && (!node.together || node.write == ADD || node.write == SETTLE);
        const u8 worth = terms.broken.renewal_from_answer ? terms.right_of(node) : node.write_worth;
        if (counts && node.write == CLAIM) {
            me.won = 1;
            me.right = std::max(me.right, worth);
            const u8 wait = terms.broken.wait_of_record_ignored ? terms.wait_of(node) : node.write_wait;
            if (!terms.broken.wait_survives_period || me.wait == UNSET) me.wait = node.write_waited ? 0 : wait;
            if (terms.mirror && me.flag >= SYNC) {
                me.epoch = record.epoch;
                me.flag = SOLE;
                me.sole_right = 1;
                me.sole_wait = terms.wait;
                // Rule 8: nothing that the other one sent may reach a copy that is in use.
                if (!terms.broken.promotes_with_session) state.session = 0;
                promote(terms, me);
            }
        } else if (counts && node.write == RENEW) {
            me.right = std::max(me.right, worth);
        } else if (counts && node.write == SEAL) {
            me.at = 2;
            me.knows = 0;
            me.wait = UNSET;
        } else if (node.write_lands != 1) {
            if (me.won) me.proof = 0;
            me.won = me.knows = 0;
            if (!terms.broken.wait_survives_period) me.wait = UNSET;
        }
        forget_write(me);
        const bool made = node.write_lands == 1;
        next.step(state, i, made ? "learns that its write was made" : "learns that its write was not made");
    } else if (!node.together && now.store && !node.stray) {
        // No clear answer: it reads back, finds another nonce than its own, and begins again.
        State state = now;
        Node& me = state.node[i];
        give_up_write(me);
        if (me.won) me.proof = 0;
        me.won = me.knows = 0;
        if (!terms.broken.wait_survives_period) me.wait = UNSET;
        next.step(state, i, "has no clear answer and does not find its write in the record");
    }
}

}  // namespace model::pair

// Two nodes and the store of the third vote: what is remembered, and the terms under which it is explored.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "../engine.hpp"

namespace model::pair {

using u8 = std::uint8_t;

constexpr u8 UNSET = 15;   // a timer that does not run
constexpr u8 NO_OWNER = 2;

// What a write to the record asks for.
enum Write : u8 { NOTHING, CLAIM, RENEW, ADD, SETTLE, RELEASE, SEAL };
// What is known of a copy: the superblock's flag.
enum Flag : u8 { INCONSISTENT, OUTDATED, SYNC, SOLE };
// How far a write to the mirror is: on its own disk, with the replica, on both disks.
enum Writing : u8 { IDLE, WRITTEN, ACCEPTED, ON_BOTH };
enum Shot : u8 { NOT_ASKED, ASKED, DONE, FORGOTTEN };

struct Node {
    // The machine and its place.
    u8 up, together;
    u8 runs;       // the group
    // The run right: ticks left of it, and of what may extend it.
    u8 right;
    u8 beat, answered;  // ticks left of the beat's worth, from its sending; the other node has answered it
    u8 endless;    // only in broken variants: the right does not end
    // The vote, as this node knows it in its present period.
    u8 knows;      // it has read the newest version
    u8 wait;       // ticks left of D
    u8 won;
    u8 write, write_valid, write_worth, write_lands, write_adds, write_waited, write_wait, write_at;
    u8 stray, stray_valid, stray_adds, stray_wait, stray_at;  // sent, given up, and may still land
    u8 order;      // the other node has told this one to start
    // The fence against the other node.
    u8 shot, proof;
    // The mirrored copy.
    u8 epoch, flag, blocks, writing, block;
    u8 sole_right;  // may go on and acknowledge alone, without a deadline
    u8 queued;      // as replica: a block that was accepted and is not on the disk yet, counted from 1
    u8 reply, peer_outdated;
    u8 sole_wait;   // a sole copy waits so long before it starts alone
    // The configuration: written down, in force, and which store is looked at.
    u8 kept, force, at;
    u8 settled_in;  // ticks until no right of the old version can be left
    u8 beat_version, answer_version;
};

struct Record {
    u8 epoch, owner, alone, current, wait, sealed;
};

struct State {
    Node node[2];
    Record record[2];
    u8 linked, store, session;
    u8 written, acknowledged;
    u8 faults;
};

// Each rule of the protocol, and how it may be broken. All false: the protocol.
struct Broken {
    bool counted_from_receipt = false;      // 1
    bool no_deadline_together = false;      // 1
    bool answers_alone = false;             // 1
    bool no_isolation = false;              // 1
    bool late_result_counts = false;        // 2
    bool loss_is_proof = false;             // 2
    bool acknowledges_on_loss = false;      // 2
    bool unconditional_write = false;       // 3
    bool any_copy_claims = false;           // 3
    bool takes_from_holder = false;         // 3
    bool no_wait = false;                   // 4
    bool short_wait = false;                // 4
    bool own_record_is_enough = false;      // 4
    bool wait_survives_period = false;      // 4
    bool unclear_fence_is_proof = false;    // 4
    bool fence_without_vote = false;        // 4
    bool proof_survives_return = false;     // 4
    bool renewal_from_answer = false;       // 5
    bool renewal_unconditional = false;     // 5
    bool current_not_claimed = false;       // 6
    bool outdates_itself = false;           // 6
    bool late_reply_counts = false;         // 6
    bool synced_copy_is_sole = false;       // 7
    bool replica_takes_all = false;         // 8
    bool promotes_with_session = false;     // 8
    bool target_synced_first = false;       // 9
    bool current_before_copied = false;     // 9
    bool source_stays_sole = false;         // 9
    bool order_outlives_ring = false;       // 10
    bool order_without_stop = false;        // 10
    bool leaver_not_counted = false;        // 11
    bool sole_leaver_is_outdated = false;   // 11
    bool changed_alone = false;             // 12
    bool in_force_before_kept = false;      // 12
    bool no_seal = false;                   // 12
    bool wait_of_record_ignored = false;    // 12
    bool shorter_wait_at_once = false;      // 12
    bool old_beats_worth_more = false;      // 12
};

struct Terms {
    u8 right = 1;         // E, in ticks
    u8 wait = 1;          // D, in ticks
    u8 drift = 0;         // any timer may be wrong by so many ticks, either way
    u8 faults = 2;
    u8 epochs = 4;        // claims end at this epoch
    u8 writes = 0;        // to the mirror
    bool stopped_clock = false;  // A's clock stands still, as in a paused virtual machine: I1 cannot hold, I2 has to
    bool mirror = false, fence = false, change = false, moves = false;
    u8 new_right = 1, new_wait = 1;
    Broken broken;

    u8 right_of(const Node& node) const { return (node.force == 2 ? new_right : right) + drift; }
    u8 wait_of(const Node& node) const { return (node.force == 2 ? new_wait : wait) - (broken.short_wait ? 1 : 0); }
    bool over(const Node& node) const { return node.wait != UNSET && node.wait <= drift; }
};

inline bool acts(const Terms& terms, const Node& node) {
    return node.up && node.runs && (node.right || node.sole_right || node.endless || terms.broken.no_isolation);
}

inline bool takes_all(const Terms& terms, u8 kind) {
    return (terms.broken.unconditional_write && kind == CLAIM) || (terms.broken.renewal_unconditional && kind == RENEW);
}

inline void forget_stray(Node& node) {
    node.stray = node.stray_valid = node.stray_adds = node.stray_wait = node.stray_at = 0;
}

// What holds after every step by itself: the kernel's cut. And what can make no difference any more is forgotten, so that
// states that differ in nothing else are one.
inline void settle(const Terms& terms, State& state) {
    for (Node& node : state.node) {
        if (node.runs && !acts(terms, node)) node.runs = node.writing = 0;
        if (node.writing == ACCEPTED && !state.session) node.writing = WRITTEN;
        if (!node.writing) node.block = 0;
        if (node.beat && node.beat <= node.right && !terms.broken.counted_from_receipt) node.beat = node.answered = 0;
        if (!node.beat) node.beat_version = 0;
        if (!node.answered) node.answer_version = 0;
        if (!node.together) node.settled_in = 0;
        if (node.together) node.sole_wait = node.knows = 0;
        if (node.flag != SOLE && !terms.broken.synced_copy_is_sole) node.sole_wait = 0;
        // Whoever is active has waited.
        if (node.runs) node.sole_wait = 0;
        if (node.runs && node.won) node.wait = 0;
        // A refusal may be learned at once; a stray write that will be refused is nothing.
        if (node.write && !node.write_valid && !node.write_lands && !takes_all(terms, node.write)) node.write_lands = 2;
        if (node.write_lands) node.write_valid = node.write_adds = 0;
        if (node.write_lands == 2) node.write_waited = node.write_wait = 0;
        if (node.write_lands == 2 || (node.write != CLAIM && node.write != RENEW)) node.write_worth = 0;
        if (node.write_worth <= node.right && !terms.broken.no_deadline_together) node.write_worth = 0;
        if (node.stray && !node.stray_valid && !takes_all(terms, node.stray)) forget_stray(node);
    }
    if (!terms.broken.own_record_is_enough)
        for (Record& record : state.record)
            if (!record.alone) record.owner = NO_OWNER;
}

class Next {
public:
    Next(const Terms& terms, const State& state, Successors<State>& successors)
        : terms(terms), now(state), successors_(successors) {}

    void step(State state, u8 who, const char* text) { put(state, {text, who, false}); }
    void fault(State state, u8 who, const char* text) {
        if (!state.faults) return;
        --state.faults;
        put(state, {text, who, true});
    }
    const Terms& terms;
    const State& now;

private:
    void put(State& state, Step step) {
        settle(terms, state);
        successors_.add(state, step);
    }
    Successors<State>& successors_;
};

inline std::string tell(const Terms& terms, const State& state) {
    static const char* FLAGS[] = {"inconsistent", "outdated", "sync", "sole"};
    static const char* WRITES[] = {"", "claim", "renewal", "addition", "settling", "release", "seal"};
    std::string text;
    for (int i = 0; i < 2; ++i) {
        const Node& node = state.node[i];
        text += i ? "; B: " : "A: ";
        if (!node.up) text += "down";
        else {
            text += node.together ? "together" : "alone";
            text += ", right ";
            text += node.sole_right || node.endless ? "endless" : std::to_string(node.right);
            if (node.won) text += ", vote";
            if (node.wait != UNSET) text += ", waits " + std::to_string(node.wait);
            if (node.proof) text += ", proof of the fence";
            if (acts(terms, node)) text += ", ACTIVE";
        }
        if (node.write) text += std::string(", ") + WRITES[node.write] + " sent";
        if (node.stray) text += std::string(", stray ") + WRITES[node.stray];
        if (terms.mirror) text += std::string(", copy ") + FLAGS[node.flag] + " " + std::to_string(node.epoch);
        if (terms.change) text += ", version " + std::to_string(node.force);
        if (terms.change && node.kept != node.force) text += " (2 kept)";
    }
    for (int at = 0; at < (terms.moves ? 2 : 1); ++at) {
        const Record& record = state.record[at];
        text += at ? "; second record: " : "; record: ";
        if (record.sealed) { text += "sealed"; continue; }
        text += "epoch " + std::to_string(record.epoch);
        text += record.owner == NO_OWNER ? ", of nobody" : record.owner ? ", B" : ", A";
        text += record.alone ? " alone" : " together";
        if (!terms.mirror) continue;
        text += std::string(", current ") + (record.current & 1 ? "A" : "") + (record.current & 2 ? "B" : "");
    }
    return text;
}

}  // namespace model::pair

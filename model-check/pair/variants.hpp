// What is explored of two nodes: the configurations of the protocol with their bounds, and the broken variants.
#pragma once

#include <string>
#include <vector>

#include "state.hpp"

namespace model::pair {

struct Variant {
    int rule;  // of docs/en/safety.md; 0: none is broken
    const char* name;
    const char* says;
    Terms terms;
};

inline Terms plain(u8 faults, u8 epochs) {
    Terms terms;
    terms.faults = faults, terms.epochs = epochs;
    return terms;
}

inline Terms fenced(u8 faults, u8 epochs) {
    Terms terms = plain(faults, epochs);
    terms.fence = true;
    return terms;
}

// E and D two and four ticks long, and any clock wrong by one: D (1 - rho) = E (1 + rho).
inline Terms drifting(u8 faults, u8 epochs) {
    Terms terms = plain(faults, epochs);
    terms.right = 2, terms.wait = 4, terms.drift = 1;
    return terms;
}

inline Terms mirrored(u8 faults, u8 epochs, u8 writes) {
    Terms terms = plain(faults, epochs);
    terms.mirror = true, terms.writes = writes;
    return terms;
}

// A's clock stands still: what it acknowledges must be safe without any clock.
inline Terms stopped(u8 faults, u8 epochs, u8 writes) {
    Terms terms = mirrored(faults, epochs, writes);
    terms.stopped_clock = true;
    return terms;
}

inline Terms changing(u8 faults, u8 epochs, u8 before, u8 after, bool moves) {
    Terms terms = plain(faults, epochs);
    terms.change = true, terms.moves = moves;
    terms.right = terms.wait = before;
    terms.new_right = terms.new_wait = after;
    return terms;
}

inline Terms with(Terms terms, bool Broken::* what) {
    terms.broken.*what = true;
    return terms;
}

inline std::vector<Variant> configurations(bool quick) {
    if (quick)
        return {
            {0, "pair", "two nodes, the vote", plain(2, 3)},
            {0, "fence", "and a fence: confirmed, slow, failing", fenced(1, 3)},
            {0, "drift", "and clocks that go wrong", drifting(1, 3)},
            {0, "mirror", "and a mirror", mirrored(1, 2, 1)},
            {0, "paused", "and a mirror, while A's clock stands still", stopped(1, 2, 1)},
            {0, "longer", "another configuration: E and D longer", changing(1, 2, 1, 2, false)},
            {0, "shorter", "another configuration: E and D shorter", changing(1, 2, 2, 1, false)},
            {0, "moved", "another configuration: another store", changing(1, 2, 1, 1, true)},
        };
    return {
        {0, "pair", "two nodes, the vote", plain(4, 5)},
        {0, "fence", "and a fence: confirmed, slow, failing", fenced(3, 4)},
        {0, "drift", "and clocks that go wrong", drifting(3, 3)},
        {0, "mirror", "and a mirror", mirrored(2, 3, 1)},
        {0, "mirror-writes", "and a mirror that is written to twice", mirrored(1, 3, 2)},
        {0, "paused", "and a mirror, while A's clock stands still", stopped(2, 3, 1)},
        {0, "longer", "another configuration: E and D longer", changing(2, 3, 1, 2, false)},
        {0, "shorter", "another configuration: E and D shorter", changing(2, 3, 2, 1, false)},
        {0, "moved", "another configuration: another store", changing(2, 3, 1, 1, true)},
    };
}

inline std::vector<Variant> variants() {
    const Terms pair = plain(2, 3), fence = fenced(2, 3), drift = drifting(1, 3), mirror = mirrored(2, 3, 1);
    const Terms paused = stopped(2, 3, 1);
    const Terms longer = changing(1, 3, 1, 2, false), shorter = changing(1, 3, 2, 1, false);
    const Terms moved = changing(2, 3, 1, 1, true);
    return {
        {1, "counted-from-receipt", "the right counts from the receipt of the answer",
         with(drift, &Broken::counted_from_receipt)},
        {1, "no-deadline-together", "together there is no deadline, and E counts from the notice of the loss",
         with(pair, &Broken::no_deadline_together)},
        {1, "answers-while-alone", "beats are answered while alone too", with(pair, &Broken::answers_alone)},
        {1, "no-isolation", "a process has to see the end of the right, not the kernel", with(pair, &Broken::no_isolation)},
        {2, "late-result-counts", "the result of a claim counts in a later period",
         with(pair, &Broken::late_result_counts)},
        {2, "loss-is-proof", "who loses the other one takes it for gone", with(pair, &Broken::loss_is_proof)},
        {2, "acknowledges-on-loss", "the mirror goes on acknowledging when the other one is lost",
         with(mirror, &Broken::acknowledges_on_loss)},
        {3, "unconditional-claim", "a claim is written whatever is there", with(pair, &Broken::unconditional_write)},
        {3, "any-copy-claims", "a node without a complete copy may claim", with(mirror, &Broken::any_copy_claims)},
        {3, "takes-from-holder", "the vote of a node that acts alone is claimed without a wait",
         with(pair, &Broken::takes_from_holder)},
        {4, "no-wait", "a won claim is enough to start what is exclusive", with(pair, &Broken::no_wait)},
        {4, "short-wait", "D leaves out how wrong the clocks may be", with(drift, &Broken::short_wait)},
        {4, "own-record", "a record that names this node is enough", with(pair, &Broken::own_record_is_enough)},
        {4, "wait-of-earlier-period", "D counts from a read in an earlier period",
         with(pair, &Broken::wait_survives_period)},
        {4, "unclear-fence", "a fence without a clear answer is taken for a proof",
         with(fence, &Broken::unclear_fence_is_proof)},
        {4, "fence-without-vote", "the fence is asked for, and relied on, without a won claim",
         with(fence, &Broken::fence_without_vote)},
        {4, "proof-of-earlier-life", "the proof of the fence outlives the return of the node",
         with(fence, &Broken::proof_survives_return)},
        {5, "renewal-from-answer", "a renewal counts from its answer", with(pair, &Broken::renewal_from_answer)},
        {5, "renewal-unconditional", "a renewal is written whatever is there", with(pair, &Broken::renewal_unconditional)},
        {6, "current-not-claimed", "who claims acknowledges alone, and the record does not say whose copy is complete",
         with(mirror, &Broken::current_not_claimed)},
        {6, "late-reply", "a late answer that a copy is outdated counts", with(mirror, &Broken::late_reply_counts)},
        {6, "outdates-itself", "who knows nothing of the other copy marks its own as outdated",
         with(mirrored(1, 2, 0), &Broken::outdates_itself)},
        {7, "synced-copy-is-sole", "a copy that was complete when last together starts alone",
         with(mirror, &Broken::synced_copy_is_sole)},
        {8, "replica-takes-all", "a replica takes what it is sent", with(paused, &Broken::replica_takes_all)},
        {8, "promotes-with-session", "a copy is promoted before the session is closed",
         with(paused, &Broken::promotes_with_session)},
        {9, "target-complete-first", "a target is marked as complete before the blocks are copied",
         with(mirror, &Broken::target_synced_first)},
        {9, "current-before-copied", "the record names a copy before its blocks are copied",
         with(mirror, &Broken::current_before_copied)},
        {9, "source-stays-sole", "the source still takes itself for the sole copy",
         with(mirror, &Broken::source_stays_sole)},
        {10, "order-outlives-ring", "an order to start is obeyed in a later ring", with(pair, &Broken::order_outlives_ring)},
        {10, "order-without-stop", "a start is ordered before the stop is confirmed",
         with(pair, &Broken::order_without_stop)},
        {11, "leaver-not-counted", "who has left is not counted: the one that stays needs no vote",
         with(pair, &Broken::leaver_not_counted)},
        {11, "sole-leaver-outdated", "who leaves marks its copy as outdated even when it is the sole one",
         with(mirrored(2, 3, 0), &Broken::sole_leaver_is_outdated)},
        {12, "changed-alone", "the store is changed by a node that is alone", with(moved, &Broken::changed_alone)},
        {12, "in-force-before-kept", "a longer E is in force before all have written it down",
         with(longer, &Broken::in_force_before_kept)},
        {12, "no-seal", "the store is changed, and the old record is not sealed", with(moved, &Broken::no_seal)},
        {12, "record-wait-ignored", "D of the record is not heeded", with(shorter, &Broken::wait_of_record_ignored)},
        {12, "shorter-wait-at-once", "a shorter D is written into the record at once",
         with(shorter, &Broken::shorter_wait_at_once)},
        {12, "old-beats-worth-more", "a beat of the old configuration counts with the new, longer E",
         with(longer, &Broken::old_beats_worth_more)},
    };
}

}  // namespace model::pair

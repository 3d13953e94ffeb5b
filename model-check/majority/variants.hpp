// What is explored of three nodes: the bounds of the protocol, and the broken variants.
#pragma once

#include <vector>

#include "protocol.hpp"

namespace model::majority {

struct Variant {
    int rule;
    const char* name;
    const char* says;
    Terms terms;
};

inline Terms of_three(u8 faults, u8 right, u8 wait, u8 drift) {
    Terms terms;
    terms.faults = faults, terms.right = right, terms.wait = wait, terms.drift = drift;
    return terms;
}

inline Terms with(Terms terms, bool Broken::* what) {
    terms.broken.*what = true;
    return terms;
}

inline std::vector<Variant> configurations(bool quick) {
    if (quick) return {{0, "majority", "three nodes without a store", of_three(1, 1, 1, 0)}};
    return {
        {0, "majority", "three nodes without a store", of_three(3, 1, 1, 0)},
        {0, "majority-drift", "and clocks that go wrong", of_three(1, 2, 4, 1)},
    };
}

inline std::vector<Variant> variants() {
    const Terms three = of_three(2, 1, 1, 0), slow = of_three(1, 2, 2, 0), drift = of_three(1, 2, 4, 1);
    return {
        {1, "majority-from-receipt", "the right counts from the receipt of the answers",
         with(slow, &Broken::counted_from_receipt)},
        {1, "majority-answers-across", "beats of another ring are answered too", with(three, &Broken::answers_across)},
        {1, "majority-no-isolation", "a process has to see the end of the right, not the kernel",
         with(three, &Broken::no_isolation)},
        {2, "majority-from-notice", "the right counts from the notice of the loss", with(three, &Broken::no_answer_needed)},
        {4, "majority-wait-of-node", "the wait belongs to the node, not to the side", with(three, &Broken::wait_of_node)},
        {4, "majority-no-wait", "the majority starts at once", with(three, &Broken::no_wait)},
        {4, "majority-short-wait", "D leaves out how wrong the clocks may be", with(drift, &Broken::short_wait)},
        {4, "majority-of-the-seen", "a side that is no majority of the configured nodes has a right too",
         with(three, &Broken::any_side)},
        {10, "majority-answer-overtakes", "an answer is heard before the ring in which it was given",
         with(three, &Broken::answer_overtakes_ring)},
        {10, "majority-order-without-stop", "a start is ordered before the stop is confirmed",
         with(three, &Broken::order_without_stop)},
    };
}

}  // namespace model::majority

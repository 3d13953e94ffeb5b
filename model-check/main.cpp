// The command: explores the protocol within its bounds, and every broken variant until its invariant is violated.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "majority/protocol.hpp"
#include "majority/variants.hpp"
#include "pair/protocol.hpp"
#include "pair/variants.hpp"

namespace {

using model::Report;
using model::Verdict;

struct Job {
    int rule;
    std::string name, says, bounds;
    std::function<Report(std::size_t)> run;
};

struct Arguments {
    bool quick = false, traces = false, list = false, configurations = true, variants = true;
    std::string only;
    std::size_t memory = std::size_t{11} << 30;  // bytes
    unsigned workers = 2;
};

template <class Protocol, class Terms>
std::function<Report(std::size_t)> checked(const Terms& terms) {
    return [terms](std::size_t memory) {
        const Protocol protocol(terms);
        return model::Checker<Protocol>(protocol, memory).run();
    };
}

std::string bounds(const model::pair::Terms& terms) {
    std::string text = "faults " + std::to_string(terms.faults) + ", epochs " + std::to_string(terms.epochs);
    text += ", E " + std::to_string(terms.right) + ", D " + std::to_string(terms.wait);
    if (terms.drift) text += " +-" + std::to_string(terms.drift);
    if (terms.change && !terms.moves)
        text += ", then E " + std::to_string(terms.new_right) + ", D " + std::to_string(terms.new_wait);
    if (terms.mirror) text += ", writes " + std::to_string(terms.writes);
    return text;
}

std::string bounds(const model::majority::Terms& terms) {
    std::string text = "faults " + std::to_string(terms.faults);
    text += ", E " + std::to_string(terms.right) + ", D " + std::to_string(terms.wait);
    return terms.drift ? text + " +-" + std::to_string(terms.drift) : text;
}

std::vector<Job> jobs(const Arguments& arguments) {
    std::vector<Job> all;
    auto add = [&](const auto& variant, auto run) {
        const bool wanted = variant.rule ? arguments.variants : arguments.configurations;
        const bool named = arguments.only.empty() || arguments.only == variant.name;
        if (wanted && named) all.push_back({variant.rule, variant.name, variant.says, bounds(variant.terms), run});
    };
    for (const auto& each : model::pair::configurations(arguments.quick))
        add(each, checked<model::pair::Protocol>(each.terms));
    for (const auto& each : model::majority::configurations(arguments.quick))
        add(each, checked<model::majority::Protocol>(each.terms));
    for (const auto& each : model::majority::variants()) add(each, checked<model::majority::Protocol>(each.terms));
    for (const auto& each : model::pair::variants()) add(each, checked<model::pair::Protocol>(each.terms));
    return all;
}

const char* word(Verdict verdict) {
    switch (verdict) {
        case Verdict::HOLDS: return "holds";
        case Verdict::BROKEN: return "VIOLATED";
        case Verdict::STUCK: return "STUCK";
        case Verdict::TOO_LARGE: return "TOO LARGE";
    }
    return "?";
}

bool as_expected(const Job& job, const Report& report) {
    const bool found = report.verdict == Verdict::BROKEN || report.verdict == Verdict::STUCK;
    return job.rule ? found : report.verdict == Verdict::HOLDS;
}

void tell(const Job& job, const Report& report, bool trace) {
    char line[512];
    if (job.rule) {
        const char* found = as_expected(job, report) ? "found" : "NOT FOUND";
        std::snprintf(line, sizeof line, "rule %2d  %-24s %-9s depth %3u %10zu states %7.1f s  %s", job.rule,
                      job.name.c_str(), found, report.depth, report.states, report.seconds, report.what.c_str());
    } else {
        std::snprintf(line, sizeof line, "%-10s %-46s %10zu states  depth %3u %7.1f s %6zu MB %4.0f k states/s  %s %s",
                      job.name.c_str(), job.bounds.c_str(), report.states, report.depth, report.seconds,
                      report.memory >> 20, double(report.states) / std::max(report.seconds, 0.001) / 1000,
                      word(report.verdict), report.what.c_str());
    }
    std::puts(line);
    if (trace || !as_expected(job, report)) {
        std::printf("    %s (%s)\n%s", job.says.c_str(), job.bounds.c_str(), report.trace.c_str());
    }
    std::fflush(stdout);
}

int usage() {
    std::fputs(
        "model-check [--quick] [--traces] [--list] [--protocol | --variants] [--only NAME]\n"
        "            [--workers N] [--memory MB]\n"
        "  explores the protocol within its bounds, and shows that every broken variant is found\n"
        "  --quick      smaller bounds\n"
        "  --traces     tells how each violation comes about\n"
        "  --protocol   the protocol alone; --variants the broken variants alone\n"
        "  --memory     for all workers together\n"
        "Ends with 0 when the protocol holds and each variant is found, else with 1.\n",
        stderr);
    return 2;
}

bool parse(int count, char** words, Arguments& arguments) {
    for (int at = 1; at < count; ++at) {
        const std::string word = words[at];
        const bool more = at + 1 < count;
        if (word == "--quick") arguments.quick = true;
        else if (word == "--traces") arguments.traces = true;
        else if (word == "--list") arguments.list = true;
        else if (word == "--protocol") arguments.variants = false;
        else if (word == "--variants") arguments.configurations = false;
        else if (word == "--only" && more) arguments.only = words[++at];
        else if (word == "--workers" && more) arguments.workers = unsigned(std::atoi(words[++at]));
        else if (word == "--memory" && more) arguments.memory = std::size_t(std::atoi(words[++at])) << 20;
        else return false;
    }
    return arguments.workers > 0 && arguments.memory > 0;
}

}  // namespace

int main(int count, char** words) {
    Arguments arguments;
    if (!parse(count, words, arguments)) return usage();
    const std::vector<Job> all = jobs(arguments);
    if (all.empty()) {
        std::fprintf(stderr, "model-check: nothing is called %s; --list tells the names\n", arguments.only.c_str());
        return 2;
    }
    if (arguments.list) {
        for (const Job& job : all)
            std::printf("%2d %-24s %s (%s)\n", job.rule, job.name.c_str(), job.says.c_str(), job.bounds.c_str());
        return 0;
    }
    std::atomic<std::size_t> next{0};
    std::atomic<int> wrong{0};
    std::mutex printing;
    std::vector<std::thread> workers;
    for (unsigned worker = 0; worker < arguments.workers; ++worker)
        workers.emplace_back([&] {
            for (std::size_t at = next++; at < all.size(); at = next++) {
                const Report report = all[at].run(arguments.memory / arguments.workers);
                const std::lock_guard<std::mutex> lock(printing);
                tell(all[at], report, arguments.traces);
                if (!as_expected(all[at], report)) ++wrong;
            }
        });
    for (auto& worker : workers) worker.join();
    std::printf("%zu explored, %d not as expected\n", all.size(), wrong.load());
    return wrong ? 1 : 0;
}

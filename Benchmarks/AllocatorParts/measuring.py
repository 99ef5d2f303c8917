"""The rounds: all contenders take turns within each (A, B, C, A, B, C)."""

import contextlib
import os
import statistics
from dataclasses import dataclass, field

from .contenders import GLIBC, GLIBC_HUGE
from .worker import Worker


@dataclass
class Series:
    """What one contender did at one workload, round by round."""

    # Nanoseconds of one get and return.
    nanoseconds: list = field(default_factory=list)
    page_faults: int = 0
    pairs: int = 0
    tiers: dict = field(default_factory=dict)
    # Of a buffer's bytes; known where pages are touched.
    huge_fraction: float = None

    def add(self, answer):
        self.nanoseconds.append(answer["nanoseconds"] / answer["pairs"])
        self.page_faults += answer["pageFaults"]
        self.pairs += answer["pairs"]
        for tier, count in answer["tiers"].items():
            self.tiers[tier] = self.tiers.get(tier, 0) + count

    @property
    def median(self):
        return statistics.median(self.nanoseconds)

    @property
    def page_faults_a_pair(self):
        return self.page_faults / self.pairs


class Measuring:
    def __init__(self, program, contenders, rounds, cold_rounds, round_nanoseconds):
        self.program = program
        self.contenders = contenders
        self.rounds = rounds
        self.cold_rounds = cold_rounds
        self.round_nanoseconds = round_nanoseconds
        self.processors = sorted(os.sched_getaffinity(0))
        # The driver keeps out of the measured processor's way, where there is another.
        os.sched_setaffinity(0, self.processors[:1])

    def results(self, workloads):
        """For each workload the series of each contender that takes part, in order; all of them measured in the same
        rounds."""
        results = {
            workload: {contender: Series() for contender in self.contenders if contender.takes_part(workload)}
            for workload in workloads}
        cold = [workload for workload in workloads if workload.cold_iterations]
        for workload in cold:
            self._measure_cold(workload, results[workload])
        self._measure_warm({workload: results[workload] for workload in workloads if workload not in cold})
        return results

    def _measure_warm(self, results):
        with contextlib.ExitStack() as stack:
            # A fresh process for each: else what an allocator learned from one workload would show in the next.
            turns = [
                (workload, stack.enter_context(self._worker(contender, workload)), series)
                for workload, all_series in results.items() for contender, series in all_series.items()]
            iterations = [
                worker.ask("calibrate", workload.name, self.round_nanoseconds)["iterations"]
                for workload, worker, _ in turns]
            for _ in range(self.rounds if turns else 0):
                for (workload, worker, series), count in zip(turns, iterations):
                    self._touch_free_memory(workload)
                    series.add(worker.ask("run", workload.name, count))
            for workload, worker, series in turns:
                self._ask_for_huge_pages(worker, workload, series)

    def _measure_cold(self, workload, all_series):
        for _ in range(self.cold_rounds):
            for contender, series in all_series.items():
                self._touch_free_memory(workload)
                with self._worker(contender, workload) as worker:
                    series.add(worker.ask("run", workload.name, workload.cold_iterations))
                    self._ask_for_huge_pages(worker, workload, series)

    def _worker(self, contender, workload):
        worker = Worker(self.program, contender)
        worker.run_on(self.processors if workload.is_parallel else self.processors[-1:])
        return worker

    def _ask_for_huge_pages(self, worker, workload, series):
        if workload.is_touched and workload.byte_count:
            backing = worker.ask("backing", workload.byte_count)["hugeByteCount"]
            series.huge_fraction = backing / workload.byte_count

    def _touch_free_memory(self, workload):
        """Makes a virtual machine's host give it the memory that is about to be used: that is not what is measured."""
        if not workload.is_of_fresh_memory:
            return
        with Worker(self.program, GLIBC_HUGE) as worker:
            worker.ask("run", f"touched:{workload.byte_count}", 1)


def usable(contenders, program):
    """Those whose library is loaded, with what their processes say of it; and a sentence for each other."""
    facts, skipped = {}, []
    for contender in contenders:
        with Worker(program, contender) as worker:
            answer = worker.ask("facts")
        if not answer["path"].endswith("/" + contender.library):
            skipped.append(f"{contender.title}: skipped, since there is no {contender.library} here")
        elif answer["isUsed"] is False:
            raise RuntimeError(f"{contender.title}: {answer['path']} is loaded, but knows nothing of a block of malloc")
        else:
            facts[contender] = answer
    assert GLIBC in facts, "a process has a malloc"
    return facts, skipped

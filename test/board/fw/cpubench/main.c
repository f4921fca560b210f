/* Runs one kind of work for the processor's benchmark (bench/bench_cpu.c), set in the job from outside
 * before reset, leaves the result there and sleeps. */
#include "test/board/fw/cpubench/work.h"

int main(void)
{
    volatile struct job *job = (volatile struct job *)JOB_ADDR;
    if (job->magic == JOB_MAGIC)
        job->result = do_work(job->which, job->rounds);
    for (;;)
        __asm volatile("wfi");
}

#include "frames.h"
#include "scale.h"
#include "world.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Buffers of each worker that go round. */
#define BUFFERS 256u

struct worker {
	struct sff_lcore *lc;
	struct memory_source *source;
	struct bench_case c; /* what bench_measure() runs */
	const struct bench_plan *plan;
	struct bench_result result;
	int cpu;
	pthread_t thread;
};

struct state {
	struct scale *scale;
	struct world w;
	struct memory_source source[SCALE_WORKERS];
	struct worker worker[SCALE_WORKERS];
	pthread_barrier_t start;
};

static struct state *here;

static uint32_t
run(struct bench_case *c)
{
	struct worker *worker = c->state;
	uint64_t before = worker->source->taken;

	while (worker->source->taken - before < BENCH_CHUNK)
		sff_lcore_poll(worker->lc, true);
	return (uint32_t)(worker->source->taken - before);
}

int
scale_workers_open(struct bench_case *c)
{
	struct state *s;
	struct scale *scale = c->state;
	struct world_conf conf = {.paths = (uint16_t)scale->paths};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (scale->workers > (unsigned long)cpus) {
		fprintf(stderr, "bench: %u workers want a CPU each, there are %ld\n", scale->workers, cpus);
		return -1;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL || world_open(&conf, &s->w) != 0)
		return -1;
	s->scale = scale;
	for (uint16_t i = 0; i < scale->workers; i++) {
		struct worker *worker = &s->worker[i];
		struct memory_source *source = &s->source[i];

		if (i == 0)
			worker->lc = s->w.lc;
		else if (world_worker(&s->w, i, 0, &worker->lc) != 0)
			return -1;
		if (world_buffers(source->free, BUFFERS) != 0)
			return -1;
		source->n_free = BUFFERS;
		source->left = UINT32_MAX;
		source->spi = WORLD_SPI;
		source->paths = scale->paths;
		source->flows = 4096;
		frame_maker_init(&source->maker, FRAME_OF_TRANSPORT, WORLD_SI, WORLD_TTL, WORLD_THERE,
			WORLD_HERE, WORLD_VNI);
		worker->source = source;
		worker->cpu = (int)cpus - 1 - i;
		worker->c = (struct bench_case){.name = c->name, .run = run, .state = worker};
	}
	s->w.port[WORLD_CORE].source = s->w.port[WORLD_CORE].sink = s->source;
	c->state = here = s;
	return 0;
}

static void *
work(void *arg)
{
	struct worker *worker = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(worker->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	pthread_barrier_wait(&here->start);
	bench_measure(&worker->c, worker->plan, &worker->result);
	return NULL;
}

void
scale_workers_measure(struct bench_case *c, const struct bench_plan *plan, struct bench_result *result)
{
	struct state *s = c->state;
	uint32_t n = s->scale->workers;

	*result = (struct bench_result){.windows = plan->windows};
	pthread_barrier_init(&s->start, NULL, n);
	for (uint32_t i = 0; i < n; i++) {
		s->worker[i].plan = plan;
		if (pthread_create(&s->worker[i].thread, NULL, work, &s->worker[i]) != 0)
			abort();
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct bench_result *r = &s->worker[i].result;

		pthread_join(s->worker[i].thread, NULL);
		result->lo += r->lo / n;
		result->p10 += r->p10 / n;
		result->med += r->med / n;
		result->p90 += r->p90 / n;
		result->preempted += r->preempted / n;
	}
	pthread_barrier_destroy(&s->start);
}

#include "pmd_capture_set.h"

#include "pmd_priv.h"

#include <rte_cycles.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_SIZE 512

struct pmd_capture_input {
	struct pmd_reader *reader;
	struct pmd_record head; /* while `more`: read, not taken yet */
	bool more;
	uint64_t loop;  /* times played to the end */
	uint64_t taken; /* records taken in this loop */
};

struct file_id {
	dev_t dev;
	ino_t ino;
};

struct pmd_captures {
	uint64_t loops;
	double cycles_per_ns; /* of recorded time; 0 = not paced */

	struct pmd_capture_input **inputs;
	size_t inputs_count;
	struct file_id *files; /* every regular file that is read or written */
	size_t files_count;

	/* Pacing: a record is due at base_tsc plus its distance from base_stamp. */
	bool started;
	uint64_t loop;
	uint64_t base_tsc;
	uint64_t base_stamp;
	uint64_t last_due;

	/* Read by other threads. */
	size_t active;
	uint64_t frames;
	bool failed; /* published after error[] */
	char error[ERROR_SIZE];
};

int
pmd_captures_create(const struct pmd_captures_conf *conf, struct pmd_captures **out, char *err, int err_size)
{
	if (!isfinite(conf->speed) || conf->speed < 0)
		return pmd_fail(
			-EINVAL, err, err_size, "speed %g: 0 (as fast as possible) or more", conf->speed);
	if (conf->loops == 0)
		return pmd_fail(-EINVAL, err, err_size, "loops 0: at least 1");
	struct pmd_captures *set = calloc(1, sizeof(*set));
	if (set == NULL)
		return pmd_fail(-ENOMEM, err, err_size, "captures: no memory");
	set->loops = conf->loops;
	if (conf->speed > 0)
		set->cycles_per_ns = (double)rte_get_tsc_hz() / 1e9 / conf->speed;
	*out = set;
	return 0;
}

static bool
is_known_file(void *arg, const struct stat *st)
{
	const struct pmd_captures *set = arg;

	for (size_t i = 0; i < set->files_count; i++) {
		if (S_ISREG(st->st_mode) && set->files[i].dev == st->st_dev &&
			set->files[i].ino == st->st_ino)
			return true;
	}
	return false;
}

static int
know_file(struct pmd_captures *set, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return 0;
	struct file_id *files = reallocarray(set->files, set->files_count + 1, sizeof(*files));
	if (files == NULL)
		return -ENOMEM;
	set->files = files;
	set->files[set->files_count++] = (struct file_id){.dev = st->st_dev, .ino = st->st_ino};
	return 0;
}

void
pmd_captures_fail(struct pmd_captures *set, const char *text)
{
	if (set->failed)
		return;
	snprintf(set->error, sizeof(set->error), "%s", text);
	__atomic_store_n(&set->failed, true, __ATOMIC_RELEASE);
}

void
pmd_captures_end(struct pmd_captures *set, struct pmd_capture_input *in)
{
	if (in->more)
		__atomic_fetch_sub(&set->active, 1, __ATOMIC_RELEASE);
	in->more = false;
}

/* Read the next record of an input that has one, over the end of a loop; else end it. */
static void
read_head(struct pmd_captures *set, struct pmd_capture_input *in)
{
	char text[ERROR_SIZE];

	for (;;) {
		int rc = pmd_reader_next(in->reader, &in->head, text, sizeof(text));
		if (rc > 0)
			return;
		/* A loop without a frame will not have one the next time either. */
		if (rc == 0 && ++in->loop < set->loops && in->taken > 0) {
			in->taken = 0;
			rc = pmd_reader_rewind(in->reader, text, sizeof(text));
			if (rc == 0)
				continue;
		}
		if (rc < 0)
			pmd_captures_fail(set, text);
		pmd_captures_end(set, in);
		return;
	}
}

int
pmd_captures_add(
	struct pmd_captures *set, const char *path, struct pmd_capture_input **out, char *err, int err_size)
{
	int rc;
	struct pmd_capture_input **inputs =
		reallocarray(set->inputs, set->inputs_count + 1, sizeof(*inputs)); /* kept on failure, too */
	struct pmd_capture_input *in = calloc(1, sizeof(*in));
	if (inputs != NULL)
		set->inputs = inputs;
	if (inputs == NULL || in == NULL) {
		free(in);
		return pmd_fail(-ENOMEM, err, err_size, "%s: no memory", path);
	}

	rc = pmd_reader_open(path, &in->reader, err, err_size);
	if (rc < 0) {
		free(in);
		return rc;
	}
	rc = know_file(set, pmd_reader_stat(in->reader));
	if (rc < 0) {
		pmd_reader_close(in->reader);
		free(in);
		return pmd_fail(rc, err, err_size, "%s: no memory", path);
	}
	set->inputs[set->inputs_count++] = in;
	in->more = true;
	__atomic_fetch_add(&set->active, 1, __ATOMIC_RELAXED);
	read_head(set, in);
	*out = in;
	return 0;
}

int
pmd_captures_create_out(
	struct pmd_captures *set, const char *path, struct pmd_writer **out, char *err, int err_size)
{
	int rc = pmd_writer_open(path, is_known_file, set, out, err, err_size);
	if (rc < 0)
		return rc;
	rc = know_file(set, pmd_writer_stat(*out));
	if (rc < 0) {
		pmd_writer_close(*out);
		return pmd_fail(rc, err, err_size, "%s: no memory", path);
	}
	return 0;
}

static bool
is_before(const struct pmd_capture_input *a, const struct pmd_capture_input *b)
{
	return a->loop != b->loop ? a->loop < b->loop : a->head.stamp_ns < b->head.stamp_ns;
}

/* Ties go to the input that was opened first. */
static bool
is_earliest(const struct pmd_captures *set, const struct pmd_capture_input *in)
{
	bool after = false;

	for (size_t i = 0; i < set->inputs_count; i++) {
		const struct pmd_capture_input *other = set->inputs[i];
		if (other == in) {
			after = true;
			continue;
		}
		if (other->more && (after ? is_before(other, in) : !is_before(in, other)))
			return false;
	}
	return true;
}

static bool
is_due(struct pmd_captures *set, const struct pmd_capture_input *in)
{
	uint64_t now = rte_rdtsc();
	uint64_t stamp = in->head.stamp_ns;

	/* The next loop begins when the last frame of the one before was due. */
	if (!set->started || set->loop != in->loop) {
		set->base_tsc = set->started ? set->last_due : now;
		set->base_stamp = stamp;
		set->loop = in->loop;
		set->started = true;
	}
	double wait = stamp > set->base_stamp ? (double)(stamp - set->base_stamp) * set->cycles_per_ns : 0;
	if ((double)(now - set->base_tsc) < wait)
		return false;
	set->last_due = set->base_tsc + (uint64_t)wait;
	return true;
}

const struct pmd_record *
pmd_captures_peek(struct pmd_captures *set, const struct pmd_capture_input *in)
{
	if (!in->more || !is_earliest(set, in))
		return NULL;
	if (set->cycles_per_ns > 0 && !is_due(set, in))
		return NULL;
	return &in->head;
}

void
pmd_captures_take(struct pmd_captures *set, struct pmd_capture_input *in)
{
	in->taken++;
	__atomic_store_n(&set->frames, set->frames + 1, __ATOMIC_RELAXED);
	read_head(set, in);
}

uint64_t
pmd_captures_skipped(const struct pmd_capture_input *in)
{
	return pmd_reader_skipped(in->reader);
}

bool
pmd_captures_done(const struct pmd_captures *set)
{
	return __atomic_load_n(&set->active, __ATOMIC_ACQUIRE) == 0;
}

const char *
pmd_captures_error(const struct pmd_captures *set)
{
	return __atomic_load_n(&set->failed, __ATOMIC_ACQUIRE) ? set->error : NULL;
}

void
pmd_captures_progress(
	const struct pmd_captures *set, uint64_t *frames, uint64_t *bytes, uint64_t *total_bytes)
{
	*frames = __atomic_load_n(&set->frames, __ATOMIC_RELAXED);
	*bytes = 0;
	*total_bytes = 0;
	for (size_t i = 0; i < set->inputs_count; i++) {
		const struct pmd_reader *reader = set->inputs[i]->reader;
		uint64_t all;

		*bytes += pmd_reader_bytes(reader);
		if (__builtin_mul_overflow((uint64_t)pmd_reader_stat(reader)->st_size, set->loops, &all) ||
			__builtin_add_overflow(*total_bytes, all, total_bytes))
			*total_bytes = UINT64_MAX;
	}
}

void
pmd_captures_destroy(struct pmd_captures *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->inputs_count; i++) {
		pmd_reader_close(set->inputs[i]->reader);
		free(set->inputs[i]);
	}
	free(set->inputs);
	free(set->files);
	free(set);
}

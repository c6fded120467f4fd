#include "sff_mirror_store.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf_dyn.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Packet buffers of copies per worker. Live: a device's transmit ring (1,024) and as many on their way to it.
 * Replay: a lockstep step of the largest frames (64 times 33 buffers of 2 KiB), in and out. */
#define LIVE_BUFFERS   2047u
#define REPLAY_BUFFERS 8191u
#define POOL_CACHE     64u
/* Copies on their way to a file, all workers: more than a worker has buffers. */
#define RING_SIZE 4096u
#define BATCH     64u

int
sff_mirror_store_create(uint16_t workers, struct pmd_captures *captures, struct sff_mirror_store **out,
	char *err, int err_size)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "sluice_mirror_mark",
		.size = sizeof(uint64_t),
		.align = _Alignof(uint64_t),
	};
	static const struct rte_mbuf_dynflag flag = {.name = "sluice_mirror_marked"};
	struct sff_mirror_store *store = calloc(1, sizeof(*store) + workers * sizeof(store->pool[0]));
	unsigned int n = captures == NULL ? LIVE_BUFFERS : REPLAY_BUFFERS;
	int bit, rc = 0;

	if (store == NULL) {
		snprintf(err, (size_t)err_size, "mirrors: no memory");
		return -ENOMEM;
	}
	store->live = captures == NULL;
	store->captures = captures;
	store->workers = workers;
	store->mark_offset = rte_mbuf_dynfield_register(&field);
	bit = rte_mbuf_dynflag_register(&flag);
	if (bit >= 0)
		store->marked = UINT64_C(1) << bit;
	if (store->mark_offset < 0 || bit < 0)
		rc = -rte_errno;
	else if (store->live)
		rc = pmd_captures_create(
			&(struct pmd_captures_conf){.loops = 1}, &store->captures, err, err_size);
	for (uint16_t w = 0; rc == 0 && w < workers; w++) {
		char name[32];

		snprintf(name, sizeof(name), "mirror-%u", w);
		store->pool[w] = rte_pktmbuf_pool_create(
			name, n, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
		if (store->pool[w] == NULL)
			rc = -rte_errno;
	}
	if (rc == 0) {
		*out = store;
		return 0;
	}
	snprintf(err, (size_t)err_size, "mirrors: no room for %u packet buffers per worker: %s", n,
		rte_strerror(-rc));
	sff_mirror_store_destroy(store);
	return rc;
}

int
sff_mirror_store_open(struct sff_mirror_store *store, const char *path, struct sff_mirror_file **out,
	char *err, int err_size)
{
	struct sff_mirror_file *file = store->file;
	char name[32];
	int rc;

	while (file != NULL && strcmp(file->path, path) != 0)
		file = file->next;
	*out = file;
	if (file != NULL)
		return 0;
	file = calloc(1, sizeof(*file));
	if (file != NULL)
		file->path = strdup(path);
	if (file == NULL || file->path == NULL) {
		free(file);
		snprintf(err, (size_t)err_size, "%s: no memory", path);
		return -ENOMEM;
	}
	rc = pmd_capture_open(store->captures, path, NULL, path, &file->pmd, err, err_size);
	if (rc == 0 && store->live) {
		snprintf(name, sizeof(name), "mirror-%u", store->n_files);
		file->ring = rte_ring_create(name, RING_SIZE, (int)rte_socket_id(), RING_F_SC_DEQ);
		if (file->ring == NULL) {
			rc = -rte_errno;
			snprintf(err, (size_t)err_size, "%s: %s", path, rte_strerror(-rc));
			file->pmd->ops->close(file->pmd);
		}
	}
	if (rc != 0) {
		free(file->path);
		free(file);
		return rc;
	}
	file->next = store->file;
	store->file = file;
	store->n_files++;
	*out = file;
	return 0;
}

void
sff_mirror_store_drain(struct sff_mirror_store *store)
{
	for (struct sff_mirror_file *file = store != NULL ? store->file : NULL; file != NULL;
		file = file->next) {
		struct rte_mbuf *pkt[BATCH];
		unsigned int n, all = 0;

		if (file->ring == NULL)
			continue;
		while (all < RING_SIZE &&
			(n = rte_ring_sc_dequeue_burst(file->ring, (void **)pkt, BATCH, NULL)) > 0) {
			pmd_tx(file->pmd, 0, pkt, (uint16_t)n);
			all += n;
		}
		/* So that others can read along. */
		if (all > 0)
			file->pmd->ops->flush(file->pmd);
	}
}

int
sff_mirror_store_flush(struct sff_mirror_store *store)
{
	int rc = 0;

	sff_mirror_store_drain(store);
	for (struct sff_mirror_file *file = store != NULL ? store->file : NULL; file != NULL;
		file = file->next) {
		int failed = file->pmd->ops->flush(file->pmd);

		if (rc == 0)
			rc = failed;
	}
	return rc;
}

const char *
sff_mirror_store_error(const struct sff_mirror_store *store)
{
	return store != NULL ? pmd_captures_error(store->captures) : NULL;
}

uint64_t
sff_mirror_store_errors(const struct sff_mirror_store *store)
{
	uint64_t n = 0;

	for (const struct sff_mirror_file *file = store != NULL ? store->file : NULL; file != NULL;
		file = file->next) {
		struct pmd_stats stats;

		file->pmd->ops->stats(file->pmd, &stats);
		n += stats.tx_errors;
	}
	return n;
}

void
sff_mirror_store_destroy(struct sff_mirror_store *store)
{
	if (store == NULL)
		return;
	sff_mirror_store_drain(store);
	while (store->file != NULL) {
		struct sff_mirror_file *file = store->file;

		store->file = file->next;
		rte_ring_free(file->ring);
		file->pmd->ops->close(file->pmd);
		free(file->path);
		free(file);
	}
	if (store->live && store->captures != NULL)
		pmd_captures_destroy(store->captures);
	for (uint16_t w = 0; w < store->workers; w++)
		rte_mempool_free(store->pool[w]);
	free(store);
}

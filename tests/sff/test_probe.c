#include "../test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sff_probe.h"

#include "eth.h"
#include "nsh_hdr.h"

#include <rte_cycles.h>

#include <string.h>

#define PORT  2
#define INNER 64u
#define SIZE  (ETH_HDR_SIZE + 24 + INNER)

static struct rte_mempool *pool;
static struct pmd_load *load;
static struct sff_probe *probe;
static struct hv_status status;

static int
setup(void **state)
{
	static const uint8_t bytes[INNER];
	static const struct pmd_load_frame frame = {.bytes = bytes, .size = INNER};
	static struct rte_rcu_qsbr qsbr;

	(void)state;
	test_eal_init();
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("probe", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL || pmd_init(pool, &qsbr) != 0 || pmd_load_create(&frame, 1, &load) != 0 ||
		sff_probe_create(4, load, &probe) != 0)
		return -1;
	memset(&status, 0, sizeof(status));
	sff_probe_watch(probe, PORT, &status);
	sff_probe_reset(probe, true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sff_probe_destroy(probe);
	pmd_load_destroy(load);
	return rte_mempool_avail_count(pool) == 1023 ? 0 : -1;
}

/* A frame on a VM port, told from others by its number as made frames are. */
static struct rte_mbuf *
make(uint32_t number, bool marked)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, SIZE);

	memset(at, 0x11, SIZE);
	at[12] = 0x89;
	at[13] = 0x4f;
	/* TTL 63, six words, MD type 1, Ethernet. */
	memcpy(at + 14, "\x0f\xc6\x01\x03\x00\x00\x64\xff", 8);
	memcpy(at + 14 + 24 + 42, &number, sizeof(number));
	if (marked) {
		m->ol_flags |= pmd_load_mark;
		*pmd_stamp(m) = 1000 + number;
		*pmd_load_since(m) = rte_rdtsc();
	}
	return m;
}

/* What the guest makes of it: another buffer, addresses and SI changed. */
static struct rte_mbuf *
serve(struct rte_mbuf *m)
{
	struct rte_mbuf *back = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
	uint8_t *at = rte_pktmbuf_mtod(back, uint8_t *);

	back->ol_flags = 0;
	memset(at, 0x77, 12);
	at[14 + 7]--;
	rte_pktmbuf_free(m);
	return back;
}

static void
give(struct rte_mbuf **m, uint16_t n, uint16_t taken, uint64_t before)
{
	sff_probe_give(probe, PORT, m, n, before);
	sff_probe_given(probe, PORT, taken);
}

static uint64_t
count(enum sff_probe_part part)
{
	return sff_probe_hist(probe, PORT, part)->count;
}

static void
a_marked_frame_is_known_again_and_its_time_is_split(void **state)
{
	struct rte_mbuf *m[3] = {make(1, false), make(2, true), make(3, false)};
	struct sff_probe_count counts;
	uint64_t now;

	(void)state;
	give(m, 3, 3, 100);
	/* The guest took 101 alone. */
	now = rte_rdtsc();
	status.batch[0] = (struct hv_batch){.taken = now - 1, .first = 100, .spent = 1};
	status.batch[1] = (struct hv_batch){.taken = now, .first = 101, .spent = 50};
	status.batch[2] = (struct hv_batch){.taken = now + 60, .first = 102, .spent = 5};
	status.batches = 3;
	while (rte_rdtsc() < now + 10000)
		;
	for (int i = 0; i < 3; i++)
		m[i] = serve(m[i]);
	sff_probe_back(probe, PORT, m, 3);
	assert_false(m[0]->ol_flags & pmd_load_mark);
	assert_true(m[1]->ol_flags & pmd_load_mark);
	assert_false(m[2]->ol_flags & pmd_load_mark);
	assert_int_equal(*pmd_stamp(m[1]), 1002);
	assert_true(*pmd_load_since(m[1]) > now);
	for (int part = 0; part < SFF_PROBE_PARTS; part++)
		assert_int_equal(count(part), 1);
	/* 50 cycles are less than 100 ns, 10,000 more than 1 us. */
	assert_int_equal(pmd_hist_share(sff_probe_hist(probe, PORT, SFF_PROBE_GUEST), 1),
		(uint64_t)(50 * 1e9 / (double)rte_get_tsc_hz()));
	assert_true(sff_probe_hist(probe, PORT, SFF_PROBE_RETURN)->max_ns > 1000);
	sff_probe_counts(probe, PORT, &counts);
	assert_int_equal(counts.given, 1);
	assert_int_equal(counts.known, 1);
	assert_int_equal(counts.refused, 0);
	rte_pktmbuf_free_bulk(m, 3);
}

static void
what_the_port_does_not_take_is_refused_and_not_waited_for(void **state)
{
	struct rte_mbuf *m[2] = {make(1, true), make(2, true)};
	struct sff_probe_count counts;

	(void)state;
	give(m, 2, 1, 0);
	sff_probe_counts(probe, PORT, &counts);
	assert_int_equal(counts.given, 1);
	assert_int_equal(counts.refused, 1);
	m[1] = serve(m[1]);
	sff_probe_back(probe, PORT, &m[1], 1);
	assert_false(m[1]->ol_flags & pmd_load_mark);
	rte_pktmbuf_free_bulk(m, 2);
}

static void
a_consumed_frame_does_not_hold_the_next_one_up(void **state)
{
	struct rte_mbuf *m[2] = {make(1, true), make(2, true)};

	(void)state;
	give(m, 2, 2, 0);
	m[1] = serve(m[1]);
	sff_probe_back(probe, PORT, &m[1], 1);
	assert_int_equal(*pmd_stamp(m[1]), 1002);
	rte_pktmbuf_free_bulk(m, 2);
}

static void
a_rewritten_frame_is_not_followed(void **state)
{
	struct rte_mbuf *m = make(1, true);

	(void)state;
	give(&m, 1, 1, 0);
	m = serve(m);
	rte_pktmbuf_mtod(m, uint8_t *)[14 + 24 + 43]++;
	sff_probe_back(probe, PORT, &m, 1);
	assert_false(m->ol_flags & pmd_load_mark);
	assert_int_equal(count(SFF_PROBE_SFF), 0);
	rte_pktmbuf_free(m);
}

/* Times that cannot be: before it was given, or after it came back. */
static void
a_guest_that_lies_about_its_times_is_not_believed(void **state)
{
	static const struct {
		int64_t taken;
		uint32_t spent, first;
		uint64_t batches;
	} rows[] = {{1LL << 40, 5, 0, 1}, {0, UINT32_MAX, 0, 1}, {0, 5, 7, 1}, {0, 5, 7, UINT64_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rte_mbuf *m = make(1, true);

		sff_probe_reset(probe, true);
		give(&m, 1, 1, 0);
		for (unsigned int b = 0; b < HV_BATCHES; b++)
			status.batch[b] = (struct hv_batch){.taken = rte_rdtsc() + (uint64_t)rows[i].taken,
				.first = rows[i].first,
				.spent = rows[i].spent};
		status.batches = rows[i].batches;
		m = serve(m);
		sff_probe_back(probe, PORT, &m, 1);
		assert_true(m->ol_flags & pmd_load_mark);
		assert_int_equal(count(SFF_PROBE_SFF), 1);
		assert_int_equal(count(SFF_PROBE_GUEST), 0);
		rte_pktmbuf_free(m);
	}
}

/* More marked frames than there is room for: the newest are followed. */
static void
the_oldest_make_way(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		struct rte_mbuf *m = make(i, true);

		give(&m, 1, 1, i);
		if (i < 1999) {
			rte_pktmbuf_free(m);
			continue;
		}
		m = serve(m);
		sff_probe_back(probe, PORT, &m, 1);
		assert_int_equal(*pmd_stamp(m), 2999);
		rte_pktmbuf_free(m);
	}
}

static void
any_bytes_from_a_guest_are_safe(void **state)
{
	struct rte_mbuf *m = make(1, true), *noise;

	(void)state;
	give(&m, 1, 1, 0);
	for (uint32_t size = 0; size < 300; size++) {
		noise = rte_pktmbuf_alloc(pool);
		memset(rte_pktmbuf_append(noise, (uint16_t)size), 0xff, size);
		if (size >= 14)
			memcpy(rte_pktmbuf_mtod_offset(noise, uint8_t *, 12), "\x89\x4f", 2);
		sff_probe_back(probe, PORT, &noise, 1);
		assert_false(noise->ol_flags & pmd_load_mark);
		rte_pktmbuf_free(noise);
	}
	rte_pktmbuf_free(m);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_marked_frame_is_known_again_and_its_time_is_split),
		T(what_the_port_does_not_take_is_refused_and_not_waited_for),
		T(a_consumed_frame_does_not_hold_the_next_one_up),
		T(a_rewritten_frame_is_not_followed),
		T(a_guest_that_lies_about_its_times_is_not_believed),
		T(the_oldest_make_way),
		T(any_bytes_from_a_guest_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

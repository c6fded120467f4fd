#include "guest_ring.h"
#include "test_pmd.h"

#include "pmd_vm_frame.h"

#include <sys/mman.h>

#define SIZE   64
#define BUFFER 2048u
#define GUEST  0x40000000ull
#define GUARD  (2u << 20)

static uint8_t *memory_bytes;
static size_t memory_size;
static uint8_t frame[PMD_FRAME_MAX + 1], got[PMD_FRAME_MAX];
static struct pmd_vm_memory memory;
static struct guest_ring guest;
static struct pmd_vm_ring ring;
static uint64_t bad;
static bool packed, narrow;

static int
setup(void **state)
{
	(void)state;
	if (test_pmd_init() != 0)
		return -1;
	fill(frame, sizeof(frame), 5);
	memory_size = guest_ring_bytes(SIZE, BUFFER);
	/* What lies behind the region, as far as any 16-bit index reaches, is a fault. */
	memory_bytes = mmap(NULL, memory_size + GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory_bytes == MAP_FAILED)
		return -1;
	return mprotect(memory_bytes, memory_size, PROT_READ | PROT_WRITE);
}

/* The code for machines without AVX2. */
static int
setup_narrow(void **state)
{
	packed = false;
	narrow = true;
	return setup(state);
}

static int
setup_packed(void **state)
{
	packed = true;
	return setup(state);
}

static int
teardown(void **state)
{
	(void)state;
	return munmap(memory_bytes, memory_size + GUARD);
}

static void
start(bool mergeable)
{
	memset(memory_bytes, 0, memory_size);
	guest_ring_init(&guest, packed, memory_bytes, GUEST, SIZE, BUFFER);
	memory = (struct pmd_vm_memory){
		.count = 1, .region = {{.guest = GUEST, .size = memory_size, .host = memory_bytes}}};
	ring = (struct pmd_vm_ring){
		.desc = guest.desc,
		.avail = guest.avail,
		.used = guest.used,
		.memory = &memory,
		.size = SIZE,
		.packed = packed,
		.mergeable = mergeable,
	};
	bad = 0;
	uint16_t base = guest_base(&guest);
	assert_int_equal(pmd_vm_ring_init(&ring, base, base), 0);
	if (narrow)
		ring.layout = packed ? &pmd_vm_packed : &pmd_vm_split;
}

/* The next used entry, whatever its length. */
static void
reap(void)
{
	uint32_t len;

	guest_reap(&guest, &len);
}

static void
frames_of_all_sizes_come_out_of_the_ring(void **state)
{
	static const uint32_t sizes[] = {1, 14, 60, 1514, 2036, 2037, 2048, 2049, 9014, 65535};
	struct rte_mbuf *m;

	(void)state;
	start(true);
	for (int again = 0; again < 20; again++) { /* over the end of the ring */
		for (size_t i = 0; i < RTE_DIM(sizes); i++) {
			guest_send(&guest, frame, sizes[i]);
			assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, &m, 1, &bad), 1);
			assert_frame(m, frame, sizes[i]);
			assert_int_equal(m->ol_flags, 0);
			rte_pktmbuf_free(m);
			assert_int_equal(guest_used(&guest), 1);
			reap();
		}
	}
	assert_int_equal(bad, 0);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, &m, 1, &bad), 0);
	assert_false(ring.broken);
	assert_no_mbuf_lost();
}

static void
frames_of_all_sizes_go_into_the_ring(void **state)
{
	static const uint32_t sizes[] = {1, 14, 60, 1514, 2036, 2037, 2048, 2049, 9014, 65535};

	(void)state;
	start(true);
	guest_post(&guest, SIZE);
	for (int again = 0; again < 20; again++) {
		for (size_t i = 0; i < RTE_DIM(sizes); i++) {
			struct rte_mbuf *m = pmd_mbuf_copy(frame, sizes[i]);
			assert_int_equal(pmd_vm_ring_enqueue(&ring, &m, 1, &bad), 1);
			rte_pktmbuf_free(m);
			uint16_t buffers = guest_used(&guest);
			assert_int_equal(buffers, (GUEST_HEADER + sizes[i] + BUFFER - 1) / BUFFER);
			assert_int_equal(guest_receive(&guest, got), sizes[i]);
			assert_memory_equal(got, frame, sizes[i]);
			guest_post(&guest, buffers);
		}
	}
	assert_int_equal(bad, 0);
	assert_no_mbuf_lost();
}

static void
full_ring_takes_the_first_frames(void **state)
{
	struct rte_mbuf *pkts[8];

	(void)state;
	start(true);
	guest_post(&guest, 5);
	for (int i = 0; i < 8; i++)
		pkts[i] = pmd_mbuf_copy(frame + i, i == 3 ? 3000 : 60);
	/* Three with one buffer, the fourth with two: nothing is left for the fifth. */
	assert_int_equal(pmd_vm_ring_enqueue(&ring, pkts, 8, &bad), 4);
	guest_post(&guest, 64 - 5);
	assert_int_equal(pmd_vm_ring_enqueue(&ring, pkts + 4, 4, &bad), 4);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(guest_receive(&guest, got), i == 3 ? 3000 : 60);
		assert_memory_equal(got, frame + i, 60);
	}
	rte_pktmbuf_free_bulk(pkts, 8);
	assert_int_equal(bad, 0);
}

static void
frame_that_never_fits_is_skipped_and_counted(void **state)
{
	struct rte_mbuf *pkts[2] = {pmd_mbuf_copy(frame, 2037), pmd_mbuf_copy(frame, 60)};

	(void)state;
	start(false); /* one buffer per frame */
	guest_post(&guest, 4);
	assert_int_equal(pmd_vm_ring_enqueue(&ring, pkts, 2, &bad), 2);
	assert_int_equal(bad, 1);
	assert_int_equal(guest_receive(&guest, got), 60);

	/* All buffers together are too small. */
	start(true);
	guest.buffer_size = 32;
	guest_post(&guest, SIZE);
	assert_int_equal(pmd_vm_ring_enqueue(&ring, pkts, 2, &bad), 2);
	assert_int_equal(bad, 1);
	assert_int_equal(guest_receive(&guest, got), 60);
	assert_false(ring.broken);
	rte_pktmbuf_free_bulk(pkts, 2);
	assert_no_mbuf_lost();
}

static void
header_may_be_spread_over_buffers(void **state)
{
	struct rte_mbuf *m = pmd_mbuf_copy(frame, 20), *out;

	(void)state;
	start(true);
	guest.buffer_size = 5;
	guest_post(&guest, SIZE);
	assert_int_equal(pmd_vm_ring_enqueue(&ring, &m, 1, &bad), 1);
	assert_int_equal(guest_used(&guest), 7);
	rte_pktmbuf_free(m);

	start(true);
	guest.buffer_size = 5;
	guest_send(&guest, frame, 20);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, &out, 1, &bad), 1);
	assert_frame(out, frame, 20);
	rte_pktmbuf_free(out);
	assert_no_mbuf_lost();
}

static void
empty_pool_leaves_frames_in_the_ring(void **state)
{
	struct rte_mbuf *held[POOL_SIZE], *pkts[4];

	(void)state;
	start(true);
	guest_send(&guest, frame, 60);
	guest_send(&guest, frame, 9014);
	guest_send(&guest, frame, 61);
	assert_int_equal(rte_pktmbuf_alloc_bulk(test_pool, held, POOL_SIZE - 3), 0);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, pkts, 4, &bad), 1);
	assert_int_equal(guest_used(&guest), 1);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, pkts + 1, 3, &bad), 0);
	rte_pktmbuf_free_bulk(held, POOL_SIZE - 3);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, pkts + 1, 3, &bad), 2);
	assert_frame(pkts[1], frame, 9014);
	assert_frame(pkts[2], frame, 61);
	rte_pktmbuf_free_bulk(pkts, 3);
	assert_int_equal(bad, 0);
	assert_no_mbuf_lost();
}

static void
frames_of_no_or_too_many_bytes_are_consumed_and_counted(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	start(true);
	/* Half a header, a header alone, a byte too many; then a good one. */
	guest_send(&guest, frame, 0);
	guest.desc[0].len = 6; /* the same place in both layouts */
	guest_send(&guest, frame, 0);
	guest_send(&guest, frame, PMD_FRAME_MAX + 1);
	guest_send(&guest, frame, 60);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, &m, 1, &bad), 1);
	assert_frame(m, frame, 60);
	rte_pktmbuf_free(m);
	assert_int_equal(bad, 3);
	assert_int_equal(guest_used(&guest), 4);
	assert_false(ring.broken);
	assert_no_mbuf_lost();
}

/* The first descriptor, whose flags and place of a chain's end differ. */
static uint16_t *
flags_of_first(void)
{
	return packed ? &guest.packed_desc[0].flags : &guest.desc[0].flags;
}

/* The ways a guest can spoil the first chain; the ring must be left alone for good and nothing may be taken.
 */
enum spoil {
	HEAD_OUT_OF_RANGE,
	HEAD_FAR_AWAY,
	NEXT_OUT_OF_RANGE,
	NEXT_FAR_AWAY,
	SELF_LOOP,
	TWO_CYCLE,
	INDIRECT,
	DIRECTION,
	ADDRESS_ZERO,
	ADDRESS_MAX,
	ADDRESS_WRAPS,
	ADDRESS_BEHIND,
	ADDRESS_BEFORE,
	LENGTH_OVER_THE_END,
	LENGTH_MAX,
	LENGTH_ZERO_BAD_ADDRESS,
	AVAIL_JUMPS,
	SPOILS
};

/* Names of the first buffer and of the next descriptor, in ways that only one layout has. */
static void
spoil_packed(enum spoil how)
{
	struct vring_packed_desc *d = guest.packed_desc;

	switch (how) {
	case HEAD_OUT_OF_RANGE:
		d->id = SIZE;
		break;
	case HEAD_FAR_AWAY:
		d->id = UINT16_MAX;
		break;
	case NEXT_OUT_OF_RANGE: /* the second has no end in sight */
	case NEXT_FAR_AWAY:
		d[0].flags |= VRING_DESC_F_NEXT;
		d[1].flags |= VRING_DESC_F_NEXT;
		break;
	case SELF_LOOP:
	case TWO_CYCLE: /* nor has the whole ring */
		for (uint16_t i = 0; i < SIZE; i++) {
			guest_desc(&guest, i, i, 1, (d->flags & VRING_DESC_F_WRITE) | VRING_DESC_F_NEXT);
			d[i].addr = GUEST;
		}
		break;
	default: /* AVAIL_JUMPS: the wrong turn of the ring inside a chain */
		d[0].flags |= VRING_DESC_F_NEXT;
		d[1].flags ^= GUEST_PACKED_AVAIL;
		break;
	}
}

static void
spoil_split(enum spoil how)
{
	struct vring_desc *d = &guest.desc[0];

	switch (how) {
	case HEAD_OUT_OF_RANGE:
		guest.avail->ring[0] = SIZE;
		break;
	case HEAD_FAR_AWAY:
		guest.avail->ring[0] = UINT16_MAX;
		break;
	case NEXT_OUT_OF_RANGE:
		d->flags |= VRING_DESC_F_NEXT;
		d->next = SIZE;
		break;
	case NEXT_FAR_AWAY:
		d->flags |= VRING_DESC_F_NEXT;
		d->next = UINT16_MAX;
		break;
	case SELF_LOOP:
		d->flags |= VRING_DESC_F_NEXT;
		d->next = 0;
		d->len = 1;
		break;
	case TWO_CYCLE:
		d->flags |= VRING_DESC_F_NEXT;
		d->next = 1;
		d->len = 1;
		guest.desc[1] = *d;
		guest.desc[1].next = 0;
		break;
	default:
		guest.avail->idx = SIZE + 1;
		break;
	}
}

static void
spoil(enum spoil how)
{
	struct vring_desc *d = &guest.desc[0]; /* addr and len are in the same place in both layouts */

	switch (how) {
	case INDIRECT:
		*flags_of_first() |= VRING_DESC_F_INDIRECT;
		break;
	case DIRECTION:
		*flags_of_first() ^= VRING_DESC_F_WRITE;
		break;
	case ADDRESS_ZERO:
		d->addr = 0;
		break;
	case ADDRESS_MAX:
		d->addr = UINT64_MAX;
		break;
	case ADDRESS_WRAPS:
		d->addr = UINT64_MAX - 10;
		d->len = GUEST + 100;
		break;
	case ADDRESS_BEHIND:
		d->addr = GUEST + memory_size;
		break;
	case ADDRESS_BEFORE:
		d->addr = GUEST - 1;
		break;
	case LENGTH_OVER_THE_END:
		d->addr = GUEST + memory_size - 59;
		d->len = 60;
		break;
	case LENGTH_MAX:
		d->len = UINT32_MAX;
		break;
	case LENGTH_ZERO_BAD_ADDRESS:
		d->addr = 1;
		d->len = 0;
		break;
	default:
		if (packed)
			spoil_packed(how);
		else
			spoil_split(how);
		break;
	}
}

static void
guest_that_breaks_the_ring_is_left_alone(void **state)
{
	struct rte_mbuf *pkts[2], *m = pmd_mbuf_copy(frame, 60);

	(void)state;
	for (int how = 0; how < SPOILS; how++) {
		start(true);
		guest_send(&guest, frame, 60);
		guest_send(&guest, frame, 60);
		spoil((enum spoil)how);
		if (pmd_vm_ring_dequeue(&ring, test_pool, pkts, 2, &bad) != 0 || !ring.broken)
			fail_msg("sending, spoil %d", how);
		assert_int_equal(guest_used(&guest), 0);

		start(true);
		guest_post(&guest, 2);
		spoil((enum spoil)how);
		if (pmd_vm_ring_enqueue(&ring, &m, 1, &bad) != 0 || !ring.broken)
			fail_msg("receiving, spoil %d", how);
		assert_int_equal(guest_used(&guest), 0);
	}
	rte_pktmbuf_free(m);
	assert_no_mbuf_lost();
}

static void
frames_before_a_broken_one_are_kept(void **state)
{
	struct rte_mbuf *pkts[4];

	(void)state;
	start(true);
	guest_send(&guest, frame, 60);
	guest_send(&guest, frame, 61);
	guest_send(&guest, frame, 62);
	guest.desc[2].addr = 0;
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, pkts, 4, &bad), 2);
	assert_true(ring.broken);
	assert_frame(pkts[0], frame, 60);
	assert_frame(pkts[1], frame, 61);
	rte_pktmbuf_free_bulk(pkts, 2);
	assert_no_mbuf_lost();
}

static void
buffer_must_not_straddle_regions(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	start(true);
	/* The same memory as two regions side by side, cut inside buffer 1. */
	uint64_t cut = (uint64_t)(guest_buffer(&guest, 1) + 20 - memory_bytes);
	memory.count = 2;
	memory.region[0].size = cut;
	memory.region[1] = (struct pmd_vm_region){GUEST + cut, memory_size - cut, memory_bytes + cut};
	guest_send(&guest, frame, 60);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, &m, 1, &bad), 1);
	rte_pktmbuf_free(m);
	guest_send(&guest, frame, 60);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, &m, 1, &bad), 0);
	assert_true(ring.broken);
}

static void
indices_wrap_at_65536(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	start(true);
	guest.last_used = guest.next_desc = 65530;
	if (!packed)
		guest.avail->idx = guest.used->idx = 65530;
	assert_int_equal(pmd_vm_ring_init(&ring, guest_base(&guest), guest_base(&guest)), 0);
	for (int i = 0; i < 20; i++) {
		guest_send(&guest, frame + i, 60);
		assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, &m, 1, &bad), 1);
		assert_frame(m, frame + i, 60);
		rte_pktmbuf_free(m);
		assert_int_equal(guest_used(&guest), 1);
		reap();
	}
	assert_int_equal(guest.last_used, (uint16_t)(65530 + 20));
	assert_int_equal(ring.last_used, guest_base(&guest));
}

/* Bursts of what nearly all frames are, and one of another kind in each place of a burst. */
static void
bursts_keep_their_order_whatever_is_among_them(void **state)
{
	struct rte_mbuf *pkts[32];

	(void)state;
	for (int odd = 0; odd < 32; odd++) {
		start(true);
		ring.in_order = odd % 2 == 1;
		for (int i = 0; i < 32; i++)
			guest_send(&guest, frame + i, i == odd ? 3000 : 60 + (uint32_t)i);
		assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, pkts, 32, &bad), 32);
		for (int i = 0; i < 32; i++)
			assert_frame(pkts[i], frame + i, i == odd ? 3000 : 60 + (uint32_t)i);
		start(true);
		guest_post(&guest, SIZE);
		assert_int_equal(pmd_vm_ring_enqueue(&ring, pkts, 32, &bad), 32);
		for (int i = 0; i < 32; i++) {
			assert_int_equal(guest_receive(&guest, got), i == odd ? 3000 : 60 + i);
			assert_memory_equal(got, frame + i, i == odd ? 3000 : 60 + (size_t)i);
		}
		rte_pktmbuf_free_bulk(pkts, 32);
	}
	assert_int_equal(bad, 0);
	assert_no_mbuf_lost();
}

/* virtio 1.1, 2.6.9 and 2.7.6: in order, the id of the last buffer stands for a burst. */
static void
one_entry_tells_of_a_burst_in_order(void **state)
{
	struct rte_mbuf *pkts[32];

	(void)state;
	start(true);
	ring.in_order = true;
	for (int i = 0; i < 32; i++)
		guest_send(&guest, frame, 60);
	assert_int_equal(pmd_vm_ring_dequeue(&ring, test_pool, pkts, 32, &bad), 32);
	rte_pktmbuf_free_bulk(pkts, 32);
	if (packed) {
		assert_int_equal(guest_used(&guest), 1);
		reap();
		assert_int_equal(guest.last_used, 32);
	} else {
		assert_int_equal(guest.used->idx, 32);
		assert_int_equal(guest.used->ring[31].id, 31);
	}
}

static void
guest_is_asked_not_to_kick_and_says_when_to_call(void **state)
{
	(void)state;
	start(true);
	assert_false(guest_must_kick(&guest));
	assert_true(pmd_vm_ring_wants_call(&ring));
	guest_call_me(&guest, false);
	assert_false(pmd_vm_ring_wants_call(&ring));
}

static void
wrong_sizes_alignments_and_indices_are_refused(void **state)
{
	static const uint16_t sizes[] = {0, 32769, 65535, 3, 63};

	(void)state;
	for (size_t i = 0; i < (packed ? 3 : RTE_DIM(sizes)); i++) {
		start(true);
		ring.size = sizes[i];
		assert_int_equal(pmd_vm_ring_init(&ring, 0, 0), -EINVAL);
	}
	start(true);
	ring.desc = (struct vring_desc *)(memory_bytes + 8);
	assert_int_equal(pmd_vm_ring_init(&ring, 0, 0), -EINVAL);
	start(true);
	ring.avail = (struct vring_avail *)(memory_bytes + 1);
	assert_int_equal(pmd_vm_ring_init(&ring, 0, 0), -EINVAL);
	start(true);
	ring.used = (struct vring_used *)(memory_bytes + 2);
	assert_int_equal(pmd_vm_ring_init(&ring, 0, 0), -EINVAL);
	if (packed) {
		start(true);
		assert_int_equal(pmd_vm_ring_init(&ring, SIZE, SIZE), -EINVAL);
		assert_int_equal(pmd_vm_ring_init(&ring, 1u << 15, 0), -EINVAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_all_sizes_come_out_of_the_ring),
		cmocka_unit_test(frames_of_all_sizes_go_into_the_ring),
		cmocka_unit_test(full_ring_takes_the_first_frames),
		cmocka_unit_test(frame_that_never_fits_is_skipped_and_counted),
		cmocka_unit_test(header_may_be_spread_over_buffers),
		cmocka_unit_test(empty_pool_leaves_frames_in_the_ring),
		cmocka_unit_test(frames_of_no_or_too_many_bytes_are_consumed_and_counted),
		cmocka_unit_test(guest_that_breaks_the_ring_is_left_alone),
		cmocka_unit_test(frames_before_a_broken_one_are_kept),
		cmocka_unit_test(buffer_must_not_straddle_regions),
		cmocka_unit_test(indices_wrap_at_65536),
		cmocka_unit_test(guest_is_asked_not_to_kick_and_says_when_to_call),
		cmocka_unit_test(bursts_keep_their_order_whatever_is_among_them),
		cmocka_unit_test(one_entry_tells_of_a_burst_in_order),
		cmocka_unit_test(wrong_sizes_alignments_and_indices_are_refused),
	};

	return cmocka_run_group_tests_name("split", tests, setup, teardown) +
	       cmocka_run_group_tests_name("packed", tests, setup_packed, teardown) +
	       cmocka_run_group_tests_name("split, narrow", tests, setup_narrow, teardown) +
	       cmocka_run_group_tests_name("packed, narrow", tests, setup_packed, teardown);
}

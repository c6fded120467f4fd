#include "guest.h"

/* The back end lied; say so where a supervisor sees it. */
static void
bad_used(void)
{
	struct hv_status *status = vnf_env.status;

	__atomic_store_n(&status->bad_used, status->bad_used + 1, __ATOMIC_RELAXED);
}

static const char *
queue_init(struct vnf_queue *queue, const struct hv_queue *from, uint32_t index)
{
	if (from->size < 2 || from->size > 32768 || (from->size & (from->size - 1)))
		return "ring size is not a power of two between 2 and 32768";
	if (!from->desc || !from->avail || !from->used || from->desc % 16 || from->avail % 2 ||
		from->used % 4)
		return "ring address is missing or misaligned";
	queue->desc = (struct vring_desc *)(uintptr_t)from->desc;
	queue->avail = (struct vring_avail *)(uintptr_t)from->avail;
	queue->used = (struct vring_used *)(uintptr_t)from->used;
	queue->size = from->size;
	queue->index = index;
	queue->slot = vnf_alloc(from->size * sizeof(*queue->slot));
	queue->free = vnf_alloc(from->size * sizeof(*queue->free));
	for (uint32_t i = 0; i < from->size; i++)
		queue->free[i] = (uint16_t)(from->size - 1 - i);
	queue->free_count = queue->size;
	queue->avail_at = queue->published = queue->used_at = 0;
	__atomic_store_n(&queue->avail->flags, VRING_AVAIL_NO_INTERRUPT, __ATOMIC_RELAXED);
	return NULL;
}

const char *
vnf_pair_init(struct vnf_pair *pair, const struct hv_net *net, uint32_t index)
{
	uint64_t share = net->buffers_size / net->pairs;
	uint64_t buffers = share / VNF_BUFFER_SIZE;
	const char *wrong = queue_init(&pair->rx, &net->queue[2 * index], 2 * index);

	if (!wrong)
		wrong = queue_init(&pair->tx, &net->queue[2 * index + 1], 2 * index + 1);
	if (wrong)
		return wrong;
	if (net->header_size != VNET_HDR_SIZE)
		return "header size is not 12";
	if (buffers < 4)
		return "fewer than 4 packet buffers of 2048 bytes";
	/* What both rings can hold at once; more would never be used. */
	if (buffers > (uint64_t)pair->rx.size + pair->tx.size)
		buffers = (uint64_t)pair->rx.size + pair->tx.size;
	pair->rx_target = buffers / 2 < pair->rx.size ? (uint32_t)(buffers / 2) : pair->rx.size;
	pair->blocked = false;
	pair->segment = vnf_alloc(pair->rx.size * sizeof(*pair->segment));
	pair->pool = vnf_alloc(buffers * sizeof(*pair->pool));
	for (pair->pool_count = 0; pair->pool_count < buffers; pair->pool_count++) {
		uint8_t *buffer = (uint8_t *)(uintptr_t)(net->buffers + index * share) +
		                  (uint64_t)pair->pool_count * VNF_BUFFER_SIZE;

		/* Touched now, so that no packet pays for the page. */
		memset(buffer, 0, VNET_HDR_SIZE);
		pair->pool[pair->pool_count] = buffer;
	}
	return NULL;
}

/* Descriptors the back end holds. */
static uint32_t
queue_held(const struct vnf_queue *queue)
{
	return queue->size - queue->free_count;
}

/* How many used entries wait. A back end cannot have finished more than it holds: then nothing it says since
 * counts, and we go on from where it claims to be. */
static uint32_t
queue_waiting(struct vnf_queue *queue)
{
	uint16_t idx = __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE);
	uint32_t waiting = (uint16_t)(idx - queue->used_at);

	if (unlikely(waiting > queue_held(queue))) {
		bad_used();
		queue->used_at = idx;
		return 0;
	}
	return waiting;
}

/* Load used entry `at` places ahead, each field once: the back end may still write to it. */
static inline struct vring_used_elem
queue_peek(const struct vnf_queue *queue, uint32_t at)
{
	struct vring_used_elem *elem = &queue->used->ring[(queue->used_at + at) & (queue->size - 1)];

	return (struct vring_used_elem){
		.id = __atomic_load_n(&elem->id, __ATOMIC_RELAXED),
		.len = __atomic_load_n(&elem->len, __ATOMIC_RELAXED),
	};
}

/* The chain a used entry names, or NULL: the back end holds no such chain. */
static inline struct vnf_slot *
queue_find(const struct vnf_queue *queue, uint32_t id)
{
	struct vnf_slot *slot = &queue->slot[id & (queue->size - 1)];

	return likely(id < queue->size && slot->chain) ? slot : NULL;
}

/* The back end's hands are off this chain of `count`: its buffers go to stack[]. */
static inline __attribute__((always_inline)) uint32_t
queue_release(struct vnf_queue *queue, struct vnf_slot *slot, uint32_t count, uint8_t **stack)
{
	slot->chain = 0;
	for (uint32_t i = 0; i < count; i++) {
		stack[i] = slot->buffer;
		slot->buffer = NULL;
		queue->free[queue->free_count++] = (uint16_t)(slot - queue->slot);
		slot = &queue->slot[slot->next];
	}
	return count;
}

/* Write one chain; the caller knows that there are descriptors enough. Published later. */
static inline __attribute__((always_inline)) void
queue_add(struct vnf_queue *queue, const struct vnf_segment *segment, uint32_t count, uint16_t flags)
{
	const uint16_t *top = &queue->free[queue->free_count - 1];

	queue->slot[*top].chain = (uint16_t)count;
	queue->avail->ring[queue->avail_at++ & (queue->size - 1)] = *top;
	queue->free_count -= count;
	for (uint32_t i = 0; i < count; i++, top--) {
		bool more = i + 1 < count;
		uint16_t next = more ? top[-1] : 0;

		queue->slot[*top].buffer = segment[i].buffer;
		queue->slot[*top].next = next;
		queue->desc[*top] = (struct vring_desc){
			.addr = (uintptr_t)segment[i].buffer,
			.len = segment[i].len,
			.flags = more ? flags | VRING_DESC_NEXT : flags,
			.next = next,
		};
	}
}

static bool
queue_publish(struct vnf_queue *queue)
{
	if (queue->avail_at == queue->published)
		return false;
	queue->published = queue->avail_at;
	__atomic_store_n(&queue->avail->idx, (uint16_t)queue->published, __ATOMIC_RELEASE);
	return true;
}

/* After the fence that follows a publish: does the back end sleep? */
static void
queue_kick(const struct vnf_queue *queue)
{
	if (!(__atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED) & VRING_USED_NO_NOTIFY))
		vnf_door_kick(queue->index);
}

static void
rx_fill(struct vnf_pair *pair)
{
	while (queue_held(&pair->rx) < pair->rx_target && pair->pool_count) {
		struct vnf_segment segment = {pair->pool[--pair->pool_count], VNF_BUFFER_SIZE};

		queue_add(&pair->rx, &segment, 1, VRING_DESC_WRITE);
	}
}

static void
tx_reap(struct vnf_pair *pair)
{
	struct vnf_queue *tx = &pair->tx;

	for (uint32_t waiting = queue_waiting(tx); waiting; waiting--) {
		struct vnf_slot *slot = queue_find(tx, queue_peek(tx, 0).id);

		tx->used_at++;
		if (unlikely(!slot))
			bad_used();
		else if (likely(slot->chain == 1))
			pair->pool_count += queue_release(tx, slot, 1, pair->pool + pair->pool_count);
		else
			pair->pool_count +=
				queue_release(tx, slot, slot->chain, pair->pool + pair->pool_count);
	}
}

/* Give back to the pool what `count` used entries name, as far as they are true. */
static void
rx_discard(struct vnf_pair *pair, uint32_t count)
{
	for (; count; count--) {
		struct vnf_slot *slot = queue_find(&pair->rx, queue_peek(&pair->rx, 0).id);

		pair->rx.used_at++;
		if (slot)
			pair->pool_count += queue_release(&pair->rx, slot, 1, pair->pool + pair->pool_count);
	}
}

/* How many used entries the next frame has, judged by its first one; 0: that entry is a lie. */
static uint32_t
rx_frame_buffers(const struct vnf_pair *pair)
{
	struct vring_used_elem head = queue_peek(&pair->rx, 0);
	const struct vnf_slot *slot = queue_find(&pair->rx, head.id);

	if (unlikely(!slot || head.len < VNET_HDR_SIZE))
		return 0;
	return __atomic_load_n((uint16_t *)(void *)(slot->buffer + VNET_HDR_NUM_BUFFERS), __ATOMIC_RELAXED);
}

/* Take the segments of the next frame off the RX ring. False: an entry lied, the buffers are in the pool. */
static bool
rx_gather(struct vnf_pair *pair, uint32_t count)
{
	struct vnf_queue *rx = &pair->rx;
	uint32_t taken = 0;
	bool good = true;

	for (uint32_t i = 0; i < count; i++) {
		struct vring_used_elem elem = queue_peek(rx, 0);
		struct vnf_slot *slot = queue_find(rx, elem.id);

		rx->used_at++;
		if (likely(slot != NULL)) {
			queue_release(rx, slot, 1, &pair->segment[taken].buffer);
			pair->segment[taken++].len = elem.len;
		}
		if (unlikely(!slot || elem.len == 0 || elem.len > VNF_BUFFER_SIZE))
			good = false;
	}
	if (unlikely(!good || pair->segment[0].len < VNET_HDR_SIZE)) {
		while (taken)
			pair->pool[pair->pool_count++] = pair->segment[--taken].buffer;
		return false;
	}
	return true;
}

enum frame_fate {
	FRAME_LIE,      /* not a frame: its buffers are in the pool */
	FRAME_CONSUMED, /* ended here: likewise */
	FRAME_SENT,     /* in the TX ring, not yet published */
};

/* Take the next frame off the RX ring and serve it, whatever it is. */
static enum frame_fate
frame_serve(struct vnf_pair *pair, uint32_t count)
{
	const struct vnf_segment *segment = pair->segment;
	uint8_t *header;
	uint32_t size;

	if (unlikely(!rx_gather(pair, count)))
		return FRAME_LIE;
	header = segment->buffer;
	size = segment->len - VNET_HDR_SIZE;
	for (uint32_t i = 1; i < count; i++)
		size += segment[i].len;
	if (!vnf_service(header + VNET_HDR_SIZE, segment->len - VNET_HDR_SIZE, size)) {
		while (count)
			pair->pool[pair->pool_count++] = segment[--count].buffer;
		return FRAME_CONSUMED;
	}
	memset(header, 0, VNET_HDR_SIZE);
	queue_add(&pair->tx, segment, count, 0);
	return FRAME_SENT;
}

/* What nearly all frames are: one true entry, one buffer. False: the next frame is of another kind, and
 * nothing has happened yet. */
static inline __attribute__((always_inline)) bool
frame_serve_plain(struct vnf_pair *pair, unsigned *sent)
{
	struct vring_used_elem elem = queue_peek(&pair->rx, 0);
	struct vnf_slot *slot = queue_find(&pair->rx, elem.id);
	struct vnf_segment segment;
	uint16_t buffers;

	if (unlikely(!slot || elem.len < VNET_HDR_SIZE || elem.len > VNF_BUFFER_SIZE || !pair->tx.free_count))
		return false;
	buffers =
		__atomic_load_n((uint16_t *)(void *)(slot->buffer + VNET_HDR_NUM_BUFFERS), __ATOMIC_RELAXED);
	if (unlikely(buffers != 1))
		return false;
	segment.len = elem.len;
	pair->rx.used_at++;
	queue_release(&pair->rx, slot, 1, &segment.buffer);
	if (vnf_service(segment.buffer + VNET_HDR_SIZE, elem.len - VNET_HDR_SIZE, elem.len - VNET_HDR_SIZE)) {
		memset(segment.buffer, 0, VNET_HDR_SIZE);
		queue_add(&pair->tx, &segment, 1, 0);
		++*sent;
	} else {
		pair->pool[pair->pool_count++] = segment.buffer;
	}
	return true;
}

static void
rx_prefetch(const struct vnf_pair *pair, uint32_t waiting)
{
	for (uint32_t i = 0; i < waiting && i < VNF_BATCH; i++) {
		const struct vnf_slot *slot = queue_find(&pair->rx, queue_peek(&pair->rx, i).id);

		if (likely(slot != NULL)) {
			__builtin_prefetch(slot->buffer);
			__builtin_prefetch(slot->buffer + 64);
		}
	}
}

static void
count_taken(unsigned frames)
{
	struct hv_status *status = vnf_env.status;

	__atomic_store_n(&status->rx_frames, status->rx_frames + frames, __ATOMIC_RELEASE);
}

static void
count_done(const struct vnf_pair *pair, unsigned sent, unsigned consumed)
{
	struct hv_status *status = vnf_env.status;
	struct hv_queue_state *state = &status->queue[pair->rx.index];

	__atomic_store_n(&status->tx_frames, status->tx_frames + sent, __ATOMIC_RELEASE);
	__atomic_store_n(&status->consumed, status->consumed + consumed, __ATOMIC_RELEASE);
	state[0] = (struct hv_queue_state){(uint16_t)pair->rx.used_at, (uint16_t)pair->rx.published};
	state[1] = (struct hv_queue_state){(uint16_t)pair->tx.used_at, (uint16_t)pair->tx.published};
}

/* For whoever measures: a batch of frames, from the look at the ring until all that passed was published. */
static void
stamp_batch(uint64_t taken)
{
	struct hv_status *status = vnf_env.status;
	uint64_t spent = vnf_tsc() - taken;

	status->batch[status->batches % HV_BATCHES] = (struct hv_batch){
		.taken = taken,
		.first = (uint32_t)status->rx_frames,
		.spent = spent < UINT32_MAX ? (uint32_t)spent : UINT32_MAX,
	};
	__atomic_store_n(&status->busy_tsc, status->busy_tsc + spent, __ATOMIC_RELAXED);
	__atomic_store_n(&status->batches, status->batches + 1, __ATOMIC_RELEASE);
}

void
vnf_pair_post(struct vnf_pair *pair)
{
	rx_fill(pair);
	if (queue_publish(&pair->rx)) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		queue_kick(&pair->rx);
	}
}

unsigned
vnf_pair_poll(struct vnf_pair *pair, bool post)
{
	uint32_t waiting = queue_waiting(&pair->rx);
	unsigned frames = 0, sent = 0;
	bool posted, published, stamps = vnf_env.boot->flags & HV_BOOT_STAMPS;
	uint64_t taken = unlikely(stamps) ? vnf_tsc() : 0;

	rx_prefetch(pair, waiting);
	tx_reap(pair);
	pair->blocked = false;
	while (waiting && frames < VNF_BATCH) {
		if (likely(frame_serve_plain(pair, &sent))) {
			frames++;
			waiting--;
			continue;
		}
		uint32_t count = rx_frame_buffers(pair);

		if (unlikely(count == 0 || count > pair->tx.size || count > waiting)) {
			bad_used();
			/* A frame longer than what the back end gave: all of it claims to be that frame. */
			count = count > waiting ? waiting : 1;
			rx_discard(pair, count);
		} else if (count > pair->tx.free_count) {
			pair->blocked = true;
			break;
		} else {
			enum frame_fate fate = frame_serve(pair, count);

			frames += fate != FRAME_LIE;
			sent += fate == FRAME_SENT;
			if (unlikely(fate == FRAME_LIE))
				bad_used();
		}
		waiting -= count;
	}
	if (post)
		rx_fill(pair);
	posted = queue_publish(&pair->rx);
	/* Whoever watches sees rx >= tx + consumed at every moment, and a frame gone only once it is. */
	if (unlikely(stamps && frames))
		stamp_batch(taken);
	if (frames)
		count_taken(frames);
	published = queue_publish(&pair->tx);
	if (frames)
		count_done(pair, sent, frames - sent);
	if (posted || published) {
		/* Our index must be visible before we look whether the back end sleeps. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (posted)
			queue_kick(&pair->rx);
		if (published)
			queue_kick(&pair->tx);
	}
	return frames;
}

/* With RX short of buffers or a frame waiting for room, what the back end sent is what we wait for. */
static bool
wants_tx(const struct vnf_pair *pair)
{
	return pair->blocked || queue_held(&pair->rx) < pair->rx_target;
}

static bool
used_waits(const struct vnf_queue *queue)
{
	return __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE) != (uint16_t)queue->used_at;
}

bool
vnf_pair_ready(const struct vnf_pair *pair)
{
	return (!pair->blocked && used_waits(&pair->rx)) || (wants_tx(pair) && used_waits(&pair->tx));
}

bool
vnf_pair_drained(const struct vnf_pair *pair)
{
	return !used_waits(&pair->rx) && queue_held(&pair->tx) == 0;
}

void
vnf_pair_interrupts(struct vnf_pair *pair, bool on)
{
	uint16_t rx = on ? 0 : VRING_AVAIL_NO_INTERRUPT;
	uint16_t tx = on && wants_tx(pair) ? 0 : VRING_AVAIL_NO_INTERRUPT;

	__atomic_store_n(&pair->rx.avail->flags, rx, __ATOMIC_RELAXED);
	__atomic_store_n(&pair->tx.avail->flags, tx, __ATOMIC_RELAXED);
}

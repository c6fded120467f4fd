#include "guest.h"

/* The back end lied; say so where a supervisor sees it. */
static void
bad_used(void)
{
	struct hv_status *status = vnf_env.status;

	__atomic_store_n(&status->bad_used, status->bad_used + 1, __ATOMIC_RELAXED);
}

static const char *
queue_init(struct vnf_queue *queue, const struct hv_queue *from, uint16_t index)
{
	if (from->size < 2 || from->size > 32768 || (from->size & (from->size - 1)))
		return "ring size is not a power of two between 2 and 32768";
	if (!from->desc || !from->avail || !from->used || from->desc % 16 || from->avail % 2 ||
		from->used % 4)
		return "ring address is missing or misaligned";
	queue->desc = (struct vring_desc *)(uintptr_t)from->desc;
	queue->avail = (struct vring_avail *)(uintptr_t)from->avail;
	queue->used = (struct vring_used *)(uintptr_t)from->used;
	queue->size = (uint16_t)from->size;
	queue->index = index;
	queue->buffer = vnf_alloc(from->size * sizeof(*queue->buffer));
	queue->next = vnf_alloc(from->size * sizeof(*queue->next));
	queue->chain = vnf_alloc(from->size * sizeof(*queue->chain));
	queue->free = vnf_alloc(from->size * sizeof(*queue->free));
	for (uint32_t i = 0; i < from->size; i++)
		queue->free[i] = (uint16_t)(from->size - 1 - i);
	queue->free_count = queue->size;
	queue->in_flight = 0;
	queue->avail_idx = queue->published = queue->last_used = 0;
	__atomic_store_n(&queue->avail->flags, VRING_AVAIL_NO_INTERRUPT, __ATOMIC_RELAXED);
	return NULL;
}

const char *
vnf_pair_init(struct vnf_pair *pair, const struct hv_net *net, uint32_t index)
{
	uint64_t share = net->buffers_size / net->pairs;
	uint64_t buffers = share / VNF_BUFFER_SIZE;
	const char *wrong = queue_init(&pair->rx, &net->queue[2 * index], (uint16_t)(2 * index));

	if (!wrong)
		wrong = queue_init(&pair->tx, &net->queue[2 * index + 1], (uint16_t)(2 * index + 1));
	if (wrong)
		return wrong;
	if (net->header_size != VNET_HDR_SIZE)
		return "header size is not 12";
	if (buffers < 4)
		return "fewer than 4 packet buffers of 2048 bytes";
	/* What both rings can hold at once; more would never be used. */
	if (buffers > (uint64_t)pair->rx.size + pair->tx.size)
		buffers = (uint64_t)pair->rx.size + pair->tx.size;
	pair->rx_target = buffers / 2 < pair->rx.size ? (uint16_t)(buffers / 2) : pair->rx.size;
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

/* How many used entries wait. A back end cannot have finished more than it holds: then nothing it says since
 * counts, and we go on from where it claims to be. */
static uint16_t
queue_waiting(struct vnf_queue *queue)
{
	uint16_t idx = __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE);
	uint16_t waiting = (uint16_t)(idx - queue->last_used);

	if (unlikely(waiting > queue->in_flight)) {
		bad_used();
		queue->last_used = idx;
		return 0;
	}
	return waiting;
}

/* Load used entry `at` places ahead, once: the back end may still write to it. */
static struct vring_used_elem
queue_peek(const struct vnf_queue *queue, uint16_t at)
{
	struct vring_used_elem *slot =
		&queue->used->ring[(uint16_t)(queue->last_used + at) & (queue->size - 1)];

	return (struct vring_used_elem){
		.id = __atomic_load_n(&slot->id, __ATOMIC_RELAXED),
		.len = __atomic_load_n(&slot->len, __ATOMIC_RELAXED),
	};
}

static bool
queue_holds(const struct vnf_queue *queue, uint32_t id)
{
	return id < queue->size && queue->chain[id];
}

/* The back end's hands are off chain `id`: forget it, and give its buffers to the caller's stack. */
static uint32_t
queue_release(struct vnf_queue *queue, uint16_t id, uint8_t **stack)
{
	uint16_t count = queue->chain[id];

	queue->chain[id] = 0;
	queue->in_flight--;
	for (uint16_t i = 0; i < count; i++) {
		stack[i] = queue->buffer[id];
		queue->buffer[id] = NULL;
		queue->free[queue->free_count++] = id;
		id = queue->next[id];
	}
	return count;
}

/* Write one chain; the caller knows that there are descriptors enough. Published later. */
static void
queue_add(struct vnf_queue *queue, const struct vnf_segment *segment, uint16_t count, uint16_t flags)
{
	uint16_t head = queue->free[queue->free_count - 1];

	for (uint16_t i = 0; i < count; i++) {
		uint16_t id = queue->free[--queue->free_count];
		bool last = i + 1 == count;

		queue->buffer[id] = segment[i].buffer;
		queue->next[id] = last ? 0 : queue->free[queue->free_count - 1];
		queue->desc[id] = (struct vring_desc){
			.addr = (uintptr_t)segment[i].buffer,
			.len = segment[i].len,
			.flags = last ? flags : flags | VRING_DESC_NEXT,
			.next = queue->next[id],
		};
	}
	queue->chain[head] = count;
	queue->in_flight++;
	queue->avail->ring[queue->avail_idx++ & (queue->size - 1)] = head;
}

static bool
queue_publish(struct vnf_queue *queue)
{
	if (queue->avail_idx == queue->published)
		return false;
	queue->published = queue->avail_idx;
	__atomic_store_n(&queue->avail->idx, queue->published, __ATOMIC_RELEASE);
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
	while (pair->rx.in_flight < pair->rx_target && pair->pool_count && pair->rx.free_count) {
		struct vnf_segment segment = {pair->pool[--pair->pool_count], VNF_BUFFER_SIZE};

		queue_add(&pair->rx, &segment, 1, VRING_DESC_WRITE);
	}
}

static void
tx_reap(struct vnf_pair *pair)
{
	struct vnf_queue *tx = &pair->tx;

	for (uint16_t waiting = queue_waiting(tx); waiting; waiting--) {
		uint32_t id = queue_peek(tx, 0).id;

		tx->last_used++;
		if (unlikely(!queue_holds(tx, id))) {
			bad_used();
			continue;
		}
		pair->pool_count += queue_release(tx, (uint16_t)id, pair->pool + pair->pool_count);
	}
}

/* Give back to the pool what `count` used entries name, as far as they are true. */
static void
rx_discard(struct vnf_pair *pair, uint16_t count)
{
	struct vnf_queue *rx = &pair->rx;

	for (; count; count--) {
		uint32_t id = queue_peek(rx, 0).id;

		rx->last_used++;
		if (queue_holds(rx, id))
			pair->pool_count += queue_release(rx, (uint16_t)id, pair->pool + pair->pool_count);
	}
}

/* How many used entries the next frame has, judged by its first one; 0: that entry is a lie. */
static uint16_t
rx_frame_buffers(const struct vnf_pair *pair)
{
	const struct vnf_queue *rx = &pair->rx;
	struct vring_used_elem head = queue_peek(rx, 0);

	if (unlikely(!queue_holds(rx, head.id) || head.len < VNET_HDR_SIZE))
		return 0;
	return __atomic_load_n(
		(uint16_t *)(void *)(rx->buffer[head.id] + VNET_HDR_NUM_BUFFERS), __ATOMIC_RELAXED);
}

/* Take the segments of the next frame off the RX ring. False: an entry lied, the buffers are in the pool. */
static bool
rx_gather(struct vnf_pair *pair, uint16_t count)
{
	struct vnf_queue *rx = &pair->rx;
	uint16_t taken = 0;
	bool good = true;

	for (uint16_t i = 0; i < count; i++) {
		struct vring_used_elem elem = queue_peek(rx, 0);

		rx->last_used++;
		if (unlikely(!queue_holds(rx, elem.id))) {
			good = false;
			continue;
		}
		if (unlikely(elem.len == 0 || elem.len > VNF_BUFFER_SIZE))
			good = false;
		queue_release(rx, (uint16_t)elem.id, &pair->segment[taken].buffer);
		pair->segment[taken++].len = elem.len;
	}
	if (unlikely(pair->segment[0].len < VNET_HDR_SIZE))
		good = false;
	if (unlikely(!good)) {
		while (taken)
			pair->pool[pair->pool_count++] = pair->segment[--taken].buffer;
	}
	return good;
}

/* Serve the frame in segment[0..count). True: it is in the TX ring, else its buffers are in the pool. */
static bool
frame_serve(struct vnf_pair *pair, uint16_t count)
{
	uint8_t *header = pair->segment[0].buffer;
	uint32_t size = 0;

	for (uint16_t i = 0; i < count; i++)
		size += pair->segment[i].len;
	if (!vnf_service(
		    header + VNET_HDR_SIZE, pair->segment[0].len - VNET_HDR_SIZE, size - VNET_HDR_SIZE)) {
		while (count)
			pair->pool[pair->pool_count++] = pair->segment[--count].buffer;
		return false;
	}
	memset(header, 0, VNET_HDR_SIZE);
	queue_add(&pair->tx, pair->segment, count, 0);
	return true;
}

static void
rx_prefetch(const struct vnf_pair *pair, uint16_t waiting)
{
	for (uint16_t i = 0; i < waiting && i < VNF_BATCH; i++) {
		uint32_t id = queue_peek(&pair->rx, i).id;

		if (likely(id < pair->rx.size && pair->rx.buffer[id])) {
			__builtin_prefetch(pair->rx.buffer[id]);
			__builtin_prefetch(pair->rx.buffer[id] + 64);
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
	state[0] = (struct hv_queue_state){pair->rx.last_used, pair->rx.published};
	state[1] = (struct hv_queue_state){pair->tx.last_used, pair->tx.published};
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
	uint16_t waiting = queue_waiting(&pair->rx);
	unsigned frames = 0, sent = 0;
	bool posted, published;

	rx_prefetch(pair, waiting);
	tx_reap(pair);
	pair->blocked = false;
	while (waiting && frames < VNF_BATCH) {
		uint16_t count = rx_frame_buffers(pair);

		if (unlikely(count == 0 || count > pair->tx.size || count > waiting)) {
			bad_used();
			/* A frame longer than what the back end gave: all of it claims to be that frame. */
			count = count > waiting ? waiting : 1;
			rx_discard(pair, count);
		} else if (count > pair->tx.free_count) {
			pair->blocked = true;
			break;
		} else if (likely(rx_gather(pair, count))) {
			frames++;
			sent += frame_serve(pair, count);
		} else {
			bad_used();
		}
		waiting -= count;
	}
	if (post)
		rx_fill(pair);
	posted = queue_publish(&pair->rx);
	/* Whoever watches sees rx >= tx + consumed at every moment, and a frame gone only once it is. */
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
	return pair->blocked || pair->rx.in_flight < pair->rx_target;
}

static bool
used_waits(const struct vnf_queue *queue)
{
	return __atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE) != queue->last_used;
}

bool
vnf_pair_ready(const struct vnf_pair *pair)
{
	return (!pair->blocked && used_waits(&pair->rx)) || (wants_tx(pair) && used_waits(&pair->tx));
}

bool
vnf_pair_drained(const struct vnf_pair *pair)
{
	return !used_waits(&pair->rx) && pair->tx.in_flight == 0;
}

void
vnf_pair_interrupts(struct vnf_pair *pair, bool on)
{
	uint16_t rx = on ? 0 : VRING_AVAIL_NO_INTERRUPT;
	uint16_t tx = on && wants_tx(pair) ? 0 : VRING_AVAIL_NO_INTERRUPT;

	__atomic_store_n(&pair->rx.avail->flags, rx, __ATOMIC_RELAXED);
	__atomic_store_n(&pair->tx.avail->flags, tx, __ATOMIC_RELAXED);
}

/**
 * A VM port with a front end of our own behind it. Included by the tests of the VM port.
 */
#ifndef VM_PORT_H
#define VM_PORT_H

#include "fake_front.h"
#include "test_pmd.h"

#include <time.h>

#define SIZE   64
#define BUFFER 2048u
#define RX     0 /* ring the guest receives from */
#define TX     1

static char dir[] = "/tmp/sluice-vm-XXXXXX";
static char path[64];
static uint8_t frame[PMD_FRAME_MAX], got[PMD_FRAME_MAX];
static struct front front; /* of which .packed chooses the layout of all rings */
static struct pmd_port *port;
static inline int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || test_pmd_init() != 0)
		return -1;
	fill(frame, sizeof(frame), 7);
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static inline int
setup_packed(void **state)
{
	front.packed = true;
	strcpy(strrchr(dir, '-'), "-XXXXXX");
	return setup(state);
}

static inline int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static inline void
nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Wait up to 5 s for the port to be up or not. */
static inline bool
becomes(bool up)
{
	for (int i = 0; i < 5000; i++) {
		if (pmd_vm_up(port) == up)
			return true;
		nap();
	}
	return false;
}

static inline void
open_port(uint16_t pairs)
{
	char err[256] = "";

	unlink(path);
	assert_int_equal(front_listen(&front, path), 0);
	if (pmd_vm_open("vm", path, pairs, &port, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_false(pmd_vm_up(port));
	assert_int_equal(front_accept(&front, 3000), 0);
}

static inline void
open_running_port(uint16_t pairs)
{
	open_port(pairs);
	assert_int_equal(front_memory(&front, 2u * pairs, SIZE, BUFFER, FRONT_SEALS), 0);
	assert_int_equal(front_start(&front), 0);
	assert_true(becomes(true));
}

static inline void
close_port(void)
{
	port->ops->close(port);
	front_close(&front);
	assert_no_mbuf_lost();
}

/* One frame there and back. */
static inline void
assert_echo(uint16_t queue, uint32_t size)
{
	struct guest_ring *rx = &front.ring[2 * queue + RX], *tx = &front.ring[2 * queue + TX];
	struct rte_mbuf *m;
	uint32_t len;

	guest_send(tx, frame, size);
	assert_int_equal(pmd_rx(port, queue, &m, 1), 1);
	assert_frame(m, frame, size);
	assert_int_equal(guest_used(tx), 1);
	guest_reap(tx, &len);
	guest_post(rx, (uint16_t)((size + GUEST_HEADER + BUFFER - 1) / BUFFER));
	assert_int_equal(pmd_tx(port, queue, &m, 1), 1);
	assert_int_equal(guest_receive(rx, got), size);
	assert_memory_equal(got, frame, size);
}

#endif

#include "fake_front.h"

#include "pmd_vm_guard.h"

#include <rte_version.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What rte_vhost hands to its message handlers, as in the DPDK this is built with; test_vm proves it on the
 * real one. */
struct context {
	struct front_message message;
	uint8_t rest[(RTE_VERSION < RTE_VERSION_NUM(25, 3, 0, 0) ? 632 : 1072) - 512];
	int fds[8];
	int count;
} __attribute__((packed));

static struct pmd_vm_guard guard;
static struct context context;
static const char *why;

static int
setup(void **state)
{
	(void)state;
	guard = (struct pmd_vm_guard){.rings = 4};
	return 0;
}

static enum rte_vhost_msg_result
judge(struct front_message m, int fd)
{
	memset(&context, 0, sizeof(context));
	m.flags |= 1;
	context.message = m;
	memset(context.fds, 0xff, sizeof(context.fds));
	context.count = fd >= 0;
	context.fds[0] = fd;
	return pmd_vm_guard_check(&guard, &context, &why);
}

static enum rte_vhost_msg_result
judge_state(uint32_t request, uint32_t index, uint32_t num)
{
	return judge(
		(struct front_message){
			.request = request, .size = 8, .payload.state = {.index = index, .num = num}},
		-1);
}

static enum rte_vhost_msg_result
judge_addr(uint32_t index, uint32_t flags)
{
	return judge((struct front_message){.request = FRONT_SET_VRING_ADDR,
			     .size = 40,
			     .payload.addr = {.index = index, .flags = flags}},
		-1);
}

#define PASSES(call)  assert_int_equal(call, RTE_VHOST_MSG_RESULT_NOT_HANDLED)
#define REFUSED(call) assert_int_equal(call, RTE_VHOST_MSG_RESULT_ERR)

static void
refused_message_closes_its_files_and_wants_no_reply(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	REFUSED(judge((struct front_message){.request = FRONT_SET_OWNER, .flags = 8}, fd));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(context.fds[0], -1);
	assert_int_equal(context.message.flags & 8, 0);
	assert_non_null(why);
}

static void
unknown_layout_refuses_everything(void **state)
{
	(void)state;
	PASSES(judge((struct front_message){.request = FRONT_SET_OWNER}, -1));
	for (int i = 0; i < 4; i++) {
		context.count = i == 0 ? -1 : i == 1 ? 9 : i == 2 ? 1 : 0;
		context.fds[7] = i == 3 ? 0 : -1;
		assert_int_equal(pmd_vm_guard_check(&guard, &context, &why), RTE_VHOST_MSG_RESULT_ERR);
	}
}

static void
queue_number_is_the_ports(void **state)
{
	(void)state;
	assert_int_equal(judge((struct front_message){.request = FRONT_GET_QUEUE_NUM}, -1),
		RTE_VHOST_MSG_RESULT_REPLY);
	assert_int_equal(context.message.payload.u64, 2);
	assert_int_equal(context.message.size, 8);
}

static void
size_comes_before_addresses_and_stays(void **state)
{
	(void)state;
	REFUSED(judge_addr(1, 0));
	PASSES(judge_state(FRONT_SET_VRING_NUM, 1, 256));
	PASSES(judge_state(FRONT_SET_VRING_NUM, 1, 32768));
	PASSES(judge_addr(1, 0));
	REFUSED(judge_state(FRONT_SET_VRING_NUM, 1, 256));
	PASSES(judge_state(FRONT_SET_VRING_NUM, 2, 256));
	/* A ring that ended may have another size. */
	PASSES(judge_state(FRONT_GET_VRING_BASE, 1, 0));
	PASSES(judge_state(FRONT_SET_VRING_NUM, 1, 256));
	REFUSED(judge_addr(3, 0));
	REFUSED(judge_addr(4, 0));
	REFUSED(judge_addr(1, 1));
}

static void
memory_and_features_stay_under_rings(void **state)
{
	struct front_message features = {.request = FRONT_SET_FEATURES, .size = 8};

	(void)state;
	PASSES(judge(features, -1));
	PASSES(judge_state(FRONT_SET_VRING_NUM, 0, 64));
	PASSES(judge_addr(0, 0));
	REFUSED(judge(features, -1));
	struct front_message table = {.request = FRONT_SET_MEM_TABLE, .size = 40, .payload.memory.count = 1};
	REFUSED(judge(table, eventfd(0, EFD_CLOEXEC)));
	assert_string_equal(why, "memory must not change under rings");
}

static void
rings_in_use_are_frozen(void **state)
{
	(void)state;
	PASSES(judge_state(FRONT_SET_VRING_NUM, 0, 64));
	guard.attached = true;
	REFUSED(judge_state(FRONT_SET_VRING_NUM, 1, 64));
	REFUSED(judge_addr(0, 0));
	REFUSED(judge_state(FRONT_SET_VRING_BASE, 0, 0));
	REFUSED(judge_state(FRONT_SET_VRING_CALL, 0x100, 0));
	REFUSED(judge_state(FRONT_SET_VRING_KICK, 0x100, 0));
	PASSES(judge_state(FRONT_SET_VRING_ENABLE, 0, 0));
	PASSES(judge_state(FRONT_GET_VRING_BASE, 0, 0));
	PASSES(judge_state(FRONT_SET_STATUS, 0, 0));
}

static void
call_is_an_eventfd_that_does_not_block(void **state)
{
	struct front_message call = {.request = FRONT_SET_VRING_CALL, .size = 8, .payload.u64 = 3};
	int fd = eventfd(0, EFD_CLOEXEC);
	int fds[2];

	(void)state;
	PASSES(judge(call, fd));
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	assert_int_equal(pipe(fds), 0);
	REFUSED(judge(call, fds[1]));
	close(fds[0]);
	call.payload.u64 = 0x103;
	PASSES(judge(call, -1));
	call.payload.u64 = 4;
	REFUSED(judge(call, eventfd(0, EFD_CLOEXEC)));
}

static void
endless_messages_end(void **state)
{
	int n = 0;

	(void)state;
	while (n < 100000 && judge((struct front_message){.request = FRONT_GET_FEATURES}, -1) ==
				     RTE_VHOST_MSG_RESULT_NOT_HANDLED)
		n++;
	assert_in_range(n, 500, 5000);
	assert_string_equal(why, "too many messages");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refused_message_closes_its_files_and_wants_no_reply, setup),
		cmocka_unit_test_setup(unknown_layout_refuses_everything, setup),
		cmocka_unit_test_setup(queue_number_is_the_ports, setup),
		cmocka_unit_test_setup(size_comes_before_addresses_and_stays, setup),
		cmocka_unit_test_setup(memory_and_features_stay_under_rings, setup),
		cmocka_unit_test_setup(rings_in_use_are_frozen, setup),
		cmocka_unit_test_setup(call_is_an_eventfd_that_does_not_block, setup),
		cmocka_unit_test_setup(endless_messages_end, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

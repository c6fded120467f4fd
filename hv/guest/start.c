#include "guest.h"

#define WAIT_US       1000000u /* longest sleep; a wake-up is never waited for, only made sooner by events */
#define DRAIN_WAIT_US 1000u    /* sleep between looks while the back end sends what is left */
#define DRAIN_MAX_S   2u       /* how long a drain waits for a back end that takes nothing */
#define SPIN_SHARE    16u      /* least part of boot->spin_tsc that a look for work lasts */

struct vnf_env vnf_env;
static struct vnf_pair pair[HV_MAX_PAIRS];
static uint32_t pairs;

void
vnf_exit(uint32_t code)
{
	struct hv_status *status = vnf_env.status;

	__atomic_store_n(&status->exit_code, code, __ATOMIC_RELAXED);
	__atomic_store_n(&status->state, HV_STATE_EXITED, __ATOMIC_RELEASE);
	vnf_door_exit(code);
}

uint64_t
vnf_clock_ns(void)
{
	const struct hv_control *control = vnf_env.control;
	uint64_t mult, tsc_ref, ns_ref;
	uint32_t seq, shift;

	do {
		while ((seq = __atomic_load_n(&control->clock_seq, __ATOMIC_ACQUIRE)) & 1)
			__builtin_ia32_pause();
		mult = __atomic_load_n(&control->clock_mult, __ATOMIC_RELAXED);
		shift = __atomic_load_n(&control->clock_shift, __ATOMIC_RELAXED);
		tsc_ref = __atomic_load_n(&control->clock_tsc_ref, __ATOMIC_RELAXED);
		ns_ref = __atomic_load_n(&control->clock_ns_ref, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (seq != __atomic_load_n(&control->clock_seq, __ATOMIC_RELAXED));
	return ns_ref + (uint64_t)((unsigned __int128)(vnf_tsc() - tsc_ref) * mult >> (shift & 127));
}

static void
heartbeat(void)
{
	struct hv_status *status = vnf_env.status;

	__atomic_store_n(&status->heartbeat, status->heartbeat + 1, __ATOMIC_RELAXED);
}

static enum hv_request
request(void)
{
	return __atomic_load_n(&vnf_env.control->request, __ATOMIC_ACQUIRE);
}

static void
fail_abi(const char *what)
{
	vnf_log("cannot run here: %s", what);
	vnf_exit(HV_EXIT_ABI);
}

static bool
any_ready(void)
{
	for (uint32_t i = 0; i < pairs; i++) {
		if (vnf_pair_ready(&pair[i]))
			return true;
	}
	return false;
}

static void
interrupts(bool on)
{
	for (uint32_t i = 0; i < pairs; i++)
		vnf_pair_interrupts(&pair[i], on);
}

/* Sleep until the back end or the runner has something. An event that came before the doorbell either shows
 * in the second look or has made its eventfd readable. */
static void
sleep_at_door(uint32_t timeout_us, enum hv_request expected)
{
	struct hv_status *status = vnf_env.status;

	__atomic_store_n(&status->clock_ns, vnf_clock_ns(), __ATOMIC_RELAXED);
	interrupts(true);
	__atomic_store_n(&status->idle, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!any_ready() && request() == expected)
		vnf_door_wait(timeout_us);
	__atomic_store_n(&status->idle, 0, __ATOMIC_RELAXED);
	interrupts(false);
}

/* Poll all pairs until the runner wants something else. Looking for work in vain lasts at most as long as a
 * sleep and wake-up costs; each such look that ends asleep halves the next one and each that pays doubles it,
 * so that on few CPUs we leave the core to the dataplane. */
static enum hv_request
serve(void)
{
	uint64_t longest = vnf_env.boot->spin_tsc, spin = longest, since = 0;
	enum hv_request wanted;

	while ((wanted = request()) == HV_REQ_RUN) {
		unsigned frames = 0;

		heartbeat();
		for (uint32_t i = 0; i < pairs; i++)
			frames += vnf_pair_poll(&pair[i], true);
		if (frames) {
			if (since)
				spin = spin < longest / 2 ? spin * 2 : longest;
			since = 0;
		} else if (!since) {
			since = vnf_tsc();
		} else if (vnf_tsc() - since < spin) {
			__builtin_ia32_pause();
		} else {
			sleep_at_door(WAIT_US, HV_REQ_RUN);
			spin = spin / 2 > longest / SPIN_SHARE ? spin / 2 : longest / SPIN_SHARE;
			since = 0;
		}
	}
	return wanted;
}

/* Post nothing more, serve what the back end has given, wait until it has sent what we gave. */
static void
drain(void)
{
	uint64_t start = vnf_tsc(), most = DRAIN_MAX_S * vnf_env.boot->tsc_hz;
	bool done = false;

	__atomic_store_n(&vnf_env.status->state, HV_STATE_DRAINING, __ATOMIC_RELEASE);
	while (!done && vnf_tsc() - start < most && request() != HV_REQ_STOP) {
		unsigned frames = 0;

		heartbeat();
		done = true;
		for (uint32_t i = 0; i < pairs; i++) {
			frames += vnf_pair_poll(&pair[i], false);
			done = done && vnf_pair_drained(&pair[i]);
		}
		if (!done && !frames)
			sleep_at_door(DRAIN_WAIT_US, HV_REQ_DRAIN);
	}
	vnf_log("drained: %lu frames in, %lu out, %lu ended here", vnf_env.status->rx_frames,
		vnf_env.status->tx_frames, vnf_env.status->consumed);
	vnf_exit(HV_EXIT_DRAINED);
}

static int
init_application(const struct hv_boot *boot)
{
	static char *argv[HV_MAX_ARGS + 1];
	char *args = vnf_alloc(HV_ARGS_SIZE + 1); /* a copy that may be written to, and ends in NUL */

	if (boot->argc > HV_MAX_ARGS)
		fail_abi("too many arguments");
	memcpy(args, boot->args, HV_ARGS_SIZE);
	for (uint32_t i = 0; i < boot->argc; i++) {
		if (boot->arg[i] >= HV_ARGS_SIZE)
			fail_abi("an argument outside the boot page");
		argv[i] = args + boot->arg[i];
	}
	return vnf_init((int)boot->argc, argv);
}

void
vnf_start(const struct hv_boot *boot)
{
	const char *wrong = NULL;
	int code;

	vnf_env = (struct vnf_env){
		.boot = boot,
		.control = (const struct hv_control *)HV_CONTROL_ADDR,
		.status = (struct hv_status *)HV_STATUS_ADDR,
		.console = (struct hv_console *)HV_CONSOLE_ADDR,
		.metrics = (struct hv_metrics *)HV_METRICS_ADDR,
	};
	heartbeat();
	vnf_door_ready();
	if (boot->magic != HV_BOOT_MAGIC || boot->abi != HV_ABI_VERSION)
		fail_abi("boot page of another ABI version");
	if (boot->nets > HV_MAX_NETS ||
		(boot->nets && (!boot->net[0].pairs || boot->net[0].pairs > HV_MAX_PAIRS)))
		fail_abi("wrong number of devices or queue pairs");
	vnf_heap_init((void *)(uintptr_t)boot->ram_addr, boot->ram_size);
	vnf_service_init();
	code = init_application(boot);
	if (code)
		vnf_exit(code > 0 && code < HV_EXIT_ABI ? (uint32_t)code : HV_EXIT_ABI - 1);
	pairs = boot->nets ? boot->net[0].pairs : 0;
	for (uint32_t i = 0; i < pairs && !wrong; i++)
		wrong = vnf_pair_init(&pair[i], &boot->net[0], i);
	if (wrong)
		fail_abi(wrong);
	for (uint32_t i = 0; i < pairs; i++)
		vnf_pair_post(&pair[i]);
	vnf_log("ready: %u queue pairs, %zu bytes of heap left", pairs, vnf_alloc_left());
	__atomic_store_n(&vnf_env.status->clock_ns, vnf_clock_ns(), __ATOMIC_RELAXED);
	__atomic_store_n(&vnf_env.status->state, HV_STATE_READY, __ATOMIC_RELEASE);
	if (serve() == HV_REQ_DRAIN)
		drain();
	vnf_exit(HV_EXIT_DONE);
}

/* Boot page, control page, clock. */
#include "hv.h"

#include <cpuid.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <x86intrin.h>

/* (delta * mult) stays below 2^64 for ten minutes at 3 GHz; the runner moves the anchor every minute. */
#define CLOCK_SHIFT  24u
#define NSEC_PER_SEC 1000000000ULL

/* VIRTIO 1.1, 5.1.3 and 6. What the guest library is written for; a back end without them is refused. */
#define FEATURES ((1ULL << 15) /* MRG_RXBUF */ | (1ULL << 32) /* VERSION_1 */)

/* Largest frame of a capture, 65,535 bytes, without its Ethernet header. MRG_RXBUF spreads it over buffers.
 */
#define MTU 65521u

static uint64_t
host_xcr0(void)
{
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 3;
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return ((uint64_t)d << 32) | a;
}

uint32_t
hv_cpu_features(uint64_t xcr0)
{
	uint32_t a, b, c, d, features = 0;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return 0;
	if ((b & bit_AVX2) && (xcr0 & 0x6) == 0x6)
		features |= HV_CPU_AVX2;
	if ((b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512DQ) && (b & bit_AVX512VL) &&
		(xcr0 & 0xe6) == 0xe6)
		features |= HV_CPU_AVX512;
	return features;
}

uint64_t
hv_host_xcr0(void)
{
	return host_xcr0() & 0xe7; /* x87, SSE, AVX, AVX-512: what the guest ABI knows */
}

void
hv_clock_init(struct hv_guest *guest, uint64_t tsc_hz)
{
	struct hv_control *control = hv_mem_control(&guest->mem);

	hv_mem_boot(&guest->mem)->tsc_hz = tsc_hz;
	control->clock_shift = CLOCK_SHIFT;
	control->clock_mult = (uint64_t)(((__uint128_t)NSEC_PER_SEC << CLOCK_SHIFT) / tsc_hz);
	control->clock_tsc_ref = __rdtsc();
	control->clock_ns_ref = hv_now_ns();
}

void
hv_clock_refine(struct hv_guest *guest)
{
	struct hv_control *control = hv_mem_control(&guest->mem);
	uint64_t ns = hv_now_ns(), tsc = __rdtsc();
	uint64_t mult = (uint64_t)(((__uint128_t)(ns - guest->options->main_ns) << CLOCK_SHIFT) /
				   (tsc - guest->options->main_tsc));
	uint64_t here = control->clock_ns_ref +
	                (uint64_t)(((__uint128_t)(tsc - control->clock_tsc_ref) * control->clock_mult) >>
				   CLOCK_SHIFT);

	__atomic_store_n(&control->clock_seq, control->clock_seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	control->clock_mult = mult;
	control->clock_tsc_ref = tsc;
	control->clock_ns_ref = here;
	__atomic_store_n(&control->clock_seq, control->clock_seq + 1, __ATOMIC_RELEASE);
}

void
hv_control_set(struct hv_guest *guest, uint32_t *field, uint32_t value)
{
	uint64_t one = 1;

	__atomic_store_n(field, value, __ATOMIC_RELEASE);
	/* Full only when the guest has 2^64 wake-ups to read: then one more changes nothing. */
	if (write(guest->fds.control, &one, sizeof(one)) < 0)
		return;
}

static void
fill_net(struct hv_guest *guest, struct hv_net *net)
{
	const struct hv_options *o = guest->options;

	net->features = FEATURES;
	net->pairs = o->pairs;
	net->header_size = 12; /* VIRTIO 1.1, 5.1.6: with VERSION_1 */
	net->mtu = MTU;
	if (o->mac_set) {
		memcpy(net->mac, o->mac, sizeof(net->mac));
	} else {
		getrandom(net->mac, sizeof(net->mac), 0);
		net->mac[0] = (uint8_t)((net->mac[0] & 0xfc) | 2); /* unicast, locally administered */
	}
	hv_mem_queues(&guest->mem, o->pairs, net);
	for (uint32_t q = 0; q < 2 * o->pairs; q++)
		net->queue[q].kick = guest->runtime->backend == HV_BACKEND_KVM ? HV_DOORBELL_KICK + 4 * q
		                                                               : (uint32_t)guest->fds.kick[q];
}

void
hv_boot_fill(struct hv_guest *guest)
{
	const struct hv_options *o = guest->options;
	struct hv_boot *boot = hv_mem_boot(&guest->mem);
	uint32_t queues = 2 * o->pairs, used = 0;

	boot->magic = HV_BOOT_MAGIC;
	boot->abi = HV_ABI_VERSION;
	boot->backend = guest->runtime->backend;
	boot->nets = 1;
	boot->flags = o->stamps ? HV_BOOT_STAMPS : 0;
	boot->ram_addr = guest->mem.heap;
	boot->ram_size = HV_RAM_ADDR + guest->mem.ram.size - guest->mem.heap;
	getrandom(boot->random, sizeof(boot->random), 0);
	for (uint32_t i = 0; i < sizeof(boot->wait_fds) / sizeof(boot->wait_fds[0]); i++)
		boot->wait_fds[i] = -1;
	for (uint32_t q = 0; q < queues; q++)
		boot->wait_fds[q] = guest->fds.call[q];
	boot->wait_fds[queues] = guest->fds.control;
	boot->argc = o->args;
	for (uint32_t i = 0; i < o->args; i++) {
		size_t size = strlen(o->arg[i]) + 1;

		boot->arg[i] = (uint16_t)used;
		memcpy(boot->args + used, o->arg[i], size); /* the total was checked with the options */
		used += (uint32_t)size;
	}
	fill_net(guest, &boot->net[0]);
}

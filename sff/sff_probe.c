#include "sff_probe.h"

#include "eth.h"
#include "nsh_hdr.h"

#include <rte_cycles.h>
#include <rte_hash_crc.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES                                                                                              \
	512u /* marked frames inside one SF: both rings full of them; newer ones replace the oldest          \
	      */

struct entry {
	uint64_t meant, since, given; /* TSC */
	uint32_t ordinal;             /* of the frame among all that the guest got */
	uint16_t index;               /* of the frame in the burst being given */
};

/* Positions run freely: [head, tail) are inside the SF, [tail, next) about to be. */
struct watch {
	const volatile struct hv_status *status;
	uint32_t head, tail, next;
	uint16_t giving;  /* frames of the burst being given */
	uint64_t refused; /* that the port did not take */
	uint32_t print[ENTRIES];
	struct entry entry[ENTRIES];
	uint64_t given, known;
	struct pmd_hist hist[SFF_PROBE_PARTS];
};

struct sff_probe {
	struct pmd_load *load;
	double ns_per_tc;
	uint64_t gap;
	bool marked; /* there are marked frames */
	uint16_t n_ports;
	struct watch *watch[]; /* per port; NULL = no SF with a guest */
};

int
sff_probe_create(uint16_t n_ports, struct pmd_load *load, struct sff_probe **out)
{
	struct sff_probe *probe = calloc(1, sizeof(*probe) + n_ports * sizeof(probe->watch[0]));

	if (probe == NULL)
		return -ENOMEM;
	probe->load = load;
	probe->n_ports = n_ports;
	probe->ns_per_tc = 1e9 / (double)rte_get_tsc_hz();
	probe->gap = (uint64_t)(PMD_LOAD_GAP_NS / probe->ns_per_tc);
	*out = probe;
	return 0;
}

void
sff_probe_destroy(struct sff_probe *probe)
{
	if (probe == NULL)
		return;
	for (uint16_t p = 0; p < probe->n_ports; p++)
		free(probe->watch[p]);
	free(probe);
}

void
sff_probe_watch(struct sff_probe *probe, uint16_t port, const volatile struct hv_status *status)
{
	if (probe->watch[port] == NULL)
		probe->watch[port] = calloc(1, sizeof(*probe->watch[port]));
	if (probe->watch[port] != NULL)
		probe->watch[port]->status = status;
}

void
sff_probe_reset(struct sff_probe *probe, bool marked)
{
	probe->marked = marked;
	for (uint16_t p = 0; p < probe->n_ports; p++)
		if (probe->watch[p] != NULL) {
			const volatile struct hv_status *status = probe->watch[p]->status;

			memset(probe->watch[p], 0, sizeof(*probe->watch[p]));
			probe->watch[p]->status = status;
		}
}

/* Where, behind an Ethernet header, frames of one flow differ from each other and functions change nothing:
 * length and identification of IPv4; TCP sequence or what follows UDP, behind IPv4; the same behind IPv6. */
static uint32_t
fingerprint(const struct rte_mbuf *m)
{
	static const uint16_t place[] = {14, 38, 58};
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *end = at + m->data_len;
	const struct nsh_hdr *nsh = (const struct nsh_hdr *)(at + ETH_HDR_SIZE);
	uint32_t print = 0;

	if (m->data_len < ETH_HDR_SIZE + NSH_BASE_SIZE)
		return 0;
	if (((const struct eth_hdr *)at)->type == RTE_BE16(NSH_ETHERTYPE)) {
		at += ETH_HDR_SIZE + nsh_size(nsh);
		/* A payload without its Ethernet header. */
		if (nsh_np(nsh) != NSH_NP_ETHERNET)
			at -= ETH_HDR_SIZE;
	}
	for (unsigned int i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
		uint64_t word;

		if (at + place[i] + sizeof(word) > end)
			break;
		memcpy(&word, at + place[i], sizeof(word));
		print = rte_hash_crc_8byte(word, print);
	}
	return print;
}

void
sff_probe_give(struct sff_probe *probe, uint16_t port, struct rte_mbuf **pkts, uint16_t n, uint64_t before)
{
	struct watch *w = probe->watch[port];
	uint64_t now = 0;

	if (w == NULL)
		return;
	w->giving = n;
	w->next = w->tail;
	for (uint16_t i = 0; i < n && probe->marked; i++) {
		uint32_t at = w->next % ENTRIES;

		if (likely((pkts[i]->ol_flags & pmd_load_mark) == 0))
			continue;
		if (w->next - w->tail == ENTRIES)
			break;
		if (now == 0)
			now = rte_rdtsc();
		if (w->next - w->head == ENTRIES)
			w->head++;
		w->print[at] = fingerprint(pkts[i]);
		w->entry[at] = (struct entry){
			.meant = *pmd_stamp(pkts[i]),
			.since = *pmd_load_since(pkts[i]),
			.given = now,
			.ordinal = (uint32_t)before + i,
			.index = i,
		};
		w->next++;
	}
}

void
sff_probe_given(struct sff_probe *probe, uint16_t port, uint16_t taken)
{
	struct watch *w = probe->watch[port];

	if (w == NULL)
		return;
	w->refused += w->giving - taken;
	while (w->tail != w->next && w->entry[w->tail % ENTRIES].index < taken) {
		w->tail++;
		w->given++;
	}
	w->next = w->tail;
}

static void
add(const struct sff_probe *probe, struct pmd_hist *hist, uint64_t from, uint64_t to)
{
	pmd_hist_add(hist, (uint64_t)((double)(to - from) * probe->ns_per_tc));
}

/* When the guest took the batch with a frame, and when it published it. */
static bool
find_batch(const volatile struct hv_status *status, uint32_t ordinal, uint64_t *taken, uint64_t *published)
{
	uint64_t n = __atomic_load_n(&status->batches, __ATOMIC_ACQUIRE);

	/* The oldest places may be written to while we look. */
	for (uint64_t at = n, last = n > HV_BATCHES - 2 ? n - (HV_BATCHES - 2) : 0; at > last;) {
		const volatile struct hv_batch *batch = &status->batch[--at % HV_BATCHES];

		if ((int32_t)(ordinal - batch->first) < 0)
			continue;
		*taken = batch->taken;
		*published = *taken + batch->spent;
		return true;
	}
	return false;
}

static void
split(struct sff_probe *probe, struct watch *w, const struct entry *e, uint64_t now)
{
	uint64_t taken, published;

	if (w->status == NULL || !find_batch(w->status, e->ordinal, &taken, &published))
		return;
	/* The guest looked at its ring before this frame was all there, or says what cannot be. */
	if (taken < e->given)
		taken = e->given;
	if (published < taken || published > now)
		return;
	add(probe, &w->hist[SFF_PROBE_RING], e->given, taken);
	add(probe, &w->hist[SFF_PROBE_GUEST], taken, published);
	add(probe, &w->hist[SFF_PROBE_RETURN], published, now);
	if (published - taken > probe->gap)
		pmd_load_disturbed(probe->load, published);
}

void
sff_probe_back(struct sff_probe *probe, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	struct watch *w = probe->watch[port];
	uint64_t now = 0;

	for (uint16_t i = 0; w != NULL && i < n && w->head != w->tail; i++) {
		uint32_t print = fingerprint(pkts[i]), at = w->head;
		const struct entry *e = &w->entry[at % ENTRIES];

		while (at != w->tail && w->print[at % ENTRIES] != print)
			at++;
		if (at == w->tail)
			continue;
		if (now == 0)
			now = rte_rdtsc();
		e = &w->entry[at % ENTRIES];
		/* Those before it were consumed, or are not known any more. */
		w->head = at + 1;
		w->known++;
		add(probe, &w->hist[SFF_PROBE_SFF], e->since, e->given);
		split(probe, w, e, now);
		*pmd_stamp(pkts[i]) = e->meant;
		*pmd_load_since(pkts[i]) = now;
		pkts[i]->ol_flags |= pmd_load_mark;
	}
}

const struct pmd_hist *
sff_probe_hist(const struct sff_probe *probe, uint16_t port, enum sff_probe_part part)
{
	return probe->watch[port] != NULL ? &probe->watch[port]->hist[part] : NULL;
}

void
sff_probe_counts(const struct sff_probe *probe, uint16_t port, struct sff_probe_count *count)
{
	const struct watch *w = probe->watch[port];

	*count = w != NULL ? (struct sff_probe_count){w->given, w->known, w->refused}
	                   : (struct sff_probe_count){0};
}

#include "memory_port.h"

#include <string.h>

/* Every flow once, so that whoever remembers flows knows them all; then as they come. */
static inline uint32_t
next_flow(struct memory_source *s)
{
	if (s->met < s->flows)
		return s->met++;
	return frame_random(&s->random) & (s->flows - 1);
}

uint16_t
memory_source_take(struct memory_source *s, struct rte_mbuf **pkts, uint16_t n)
{
	if (n > s->n_free)
		n = (uint16_t)s->n_free;
	if (n > s->left)
		n = (uint16_t)s->left;
	s->n_free -= n;
	for (uint16_t i = 0; i < n; i++) {
		uint32_t flow = next_flow(s);

		pkts[i] = s->free[s->n_free + i];
		frame_put(&s->maker, pkts[i], s->spi + flow % s->paths, flow, ++s->sequence);
	}
	s->given += n;
	if (s->left != UINT32_MAX)
		s->left -= n;
	return n;
}

static void
check(struct memory_source *s, struct rte_mbuf *const *pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n && s->wrong == NULL; i++) {
		uint32_t flow, sequence;

		s->wrong = frame_check(pkts[i], s->expect, &flow, &sequence);
		if (s->wrong != NULL)
			return;
		if (flow >= s->flows || (int32_t)(sequence - s->seen[flow]) <= 0)
			s->wrong = "order inside a flow";
		else
			s->seen[flow] = sequence;
	}
}

void
memory_source_return(struct memory_source *s, struct rte_mbuf **pkts, uint16_t n)
{
	if (s->expect != NULL)
		check(s, pkts, n);
	memcpy(&s->free[s->n_free], pkts, n * sizeof(pkts[0]));
	s->n_free += n;
	s->taken += n;
}

static uint16_t
memory_rx(struct pmd_port *pmd, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct memory_port *p = (struct memory_port *)pmd;

	if (p->source != NULL)
		return memory_source_take(&p->source[queue], pkts, n);
	if (n > p->n_held)
		n = (uint16_t)p->n_held;
	memcpy(pkts, p->held, n * sizeof(pkts[0]));
	p->n_held -= n;
	memmove(p->held, &p->held[n], p->n_held * sizeof(p->held[0]));
	return n;
}

/* An SF that answers at once: SI - 1 (RFC 8300, 2.3). The SFF looks at the type of the Ethernet header only.
 */
static void
serve(struct memory_port *p, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		rte_pktmbuf_mtod(pkts[i], uint8_t *)[FRAME_ETH + 7]--;
		p->held[p->n_held++] = pkts[i];
	}
}

static uint16_t
memory_tx(struct pmd_port *pmd, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct memory_port *p = (struct memory_port *)pmd;

	if (p->sink != NULL)
		memory_source_return(&p->sink[queue], pkts, n);
	else
		serve(p, pkts, n);
	return n;
}

void
memory_port_init(struct memory_port *port, const char *name)
{
	static const struct pmd_ops ops = {.name = "memory", .rx = memory_rx, .tx = memory_tx};

	memset(port, 0, sizeof(*port));
	port->pmd = (struct pmd_port){.ops = &ops, .queues = 1, .mtu = UINT16_MAX};
	strncpy(port->pmd.name, name, sizeof(port->pmd.name) - 1);
}

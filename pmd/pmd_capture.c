#include "pmd_capture_set.h"
#include "pmd_pool.h"
#include "pmd_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capture_port {
	struct pmd_port port;
	struct pmd_captures *set;
	struct pmd_capture_input *in; /* NULL: receives nothing */
	struct pmd_writer *out;       /* NULL: frames sent are freed */
	uint64_t tx_errors;
	uint8_t scratch[PMD_FRAME_MAX]; /* a chained frame in one piece */
};

static uint16_t
capture_rx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct capture_port *p = (struct capture_port *)port;
	uint16_t count = 0;

	(void)queue;
	if (p->in == NULL)
		return 0;
	while (count < n) {
		const struct pmd_record *record = pmd_captures_peek(p->set, p->in);
		if (record == NULL)
			break;
		/* No buffer: the record waits, nothing is lost. */
		struct rte_mbuf *m = pmd_mbuf_copy(record->bytes, record->size);
		if (m == NULL)
			break;
		*pmd_stamp(m) = record->stamp_ns;
		pkts[count++] = m;
		pmd_captures_take(p->set, p->in);
	}
	return count;
}

/* Keep why writing failed; the set keeps only the first reason of all. */
static void
write_failed(struct capture_port *p, int error)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: cannot write: %s", pmd_writer_path(p->out), strerror(error));
	pmd_captures_fail(p->set, text);
}

static void
write_frame(struct capture_port *p, struct rte_mbuf *m)
{
	uint32_t size = rte_pktmbuf_pkt_len(m);

	if (size == 0 || size > PMD_FRAME_MAX) {
		p->tx_errors++;
		return;
	}
	int error = pmd_writer_add(p->out, *pmd_stamp(m), rte_pktmbuf_read(m, 0, size, p->scratch), size);
	if (error != 0) {
		p->tx_errors++;
		write_failed(p, error);
	}
}

static uint16_t
capture_tx(struct pmd_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct capture_port *p = (struct capture_port *)port;

	(void)queue;
	for (uint16_t i = 0; i < n && p->out != NULL; i++)
		write_frame(p, pkts[i]);
	pmd_pool_return(pkts, n);
	return n;
}

static int
capture_flush(struct pmd_port *port)
{
	struct capture_port *p = (struct capture_port *)port;
	int rc = p->out != NULL ? pmd_writer_flush(p->out) : 0;

	if (rc < 0)
		write_failed(p, -rc);
	return rc;
}

static void
capture_stats(const struct pmd_port *port, struct pmd_stats *stats)
{
	const struct capture_port *p = (const struct capture_port *)port;

	memset(stats, 0, sizeof(*stats));
	stats->rx_capture_size = p->in != NULL ? pmd_captures_skipped(p->in) : 0;
	stats->tx_errors = p->tx_errors;
}

static void
capture_close(struct pmd_port *port)
{
	struct capture_port *p = (struct capture_port *)port;

	if (p->in != NULL)
		pmd_captures_end(p->set, p->in);
	if (p->out != NULL) {
		capture_flush(port);
		pmd_writer_close(p->out);
	}
	free(p);
}

static const struct pmd_ops capture_ops = {
	.name = "capture",
	.rx = capture_rx,
	.tx = capture_tx,
	.flush = capture_flush,
	.stats = capture_stats,
	.close = capture_close,
};

int
pmd_capture_open(struct pmd_captures *set, const char *name, const char *in, const char *out,
	struct pmd_port **port, char *err, int err_size)
{
	int rc = 0;
	struct capture_port *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return pmd_fail(-ENOMEM, err, err_size, "port '%s': no memory", name);
	pmd_port_init(&p->port, &capture_ops, name, 1);
	p->set = set;

	/* The input first: an output of the same name must not empty it. */
	if (in != NULL)
		rc = pmd_captures_add(set, in, &p->in, err, err_size);
	if (rc == 0 && out != NULL)
		rc = pmd_captures_create_out(set, out, &p->out, err, err_size);
	if (rc < 0) {
		capture_close(&p->port);
		return rc;
	}
	*port = &p->port;
	return 0;
}

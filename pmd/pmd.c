#include "pmd_priv.h"

#include <rte_errno.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

RTE_LOG_REGISTER(pmd_log, sff.pmd, NOTICE);

struct pmd_env pmd_env;
int pmd_stamp_offset = -1;

int
pmd_init(struct rte_mempool *pool, struct rte_rcu_qsbr *qsbr)
{
	static const struct rte_mbuf_dynfield stamp = {
		.name = "sluice_dynfield_stamp",
		.size = sizeof(uint64_t),
		.align = __alignof__(uint64_t),
	};

	if (pool == NULL || qsbr == NULL || rte_pktmbuf_data_room_size(pool) <= RTE_PKTMBUF_HEADROOM)
		return -EINVAL;
	pmd_stamp_offset = rte_mbuf_dynfield_register(&stamp);
	if (pmd_stamp_offset < 0)
		return -rte_errno;
	pmd_env.pool = pool;
	pmd_env.qsbr = qsbr;
	/* At its default rte_vhost tells every protocol message, which is for a front end to make many of;
	 * the VM port says what matters itself. A level that the user chose stays. */
	int vhost = rte_log_register("lib.vhost.config");
	if (vhost >= 0 && rte_log_get_level((uint32_t)vhost) == RTE_LOG_INFO)
		rte_log_set_level((uint32_t)vhost, RTE_LOG_CRIT);
	return 0;
}

int
pmd_fail(int rc, char *err, int err_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (err != NULL && err_size > 0)
		vsnprintf(err, (size_t)err_size, format, args);
	va_end(args);
	return rc;
}

void
pmd_port_init(struct pmd_port *port, const struct pmd_ops *ops, const char *name, uint16_t queues)
{
	port->ops = ops;
	snprintf(port->name, sizeof(port->name), "%s", name);
	port->queues = queues;
	port->mtu = PMD_FRAME_MAX;
}

struct rte_mbuf *
pmd_mbuf_copy(const void *bytes, uint32_t size)
{
	const uint8_t *from = bytes;
	struct rte_mbuf *first = rte_pktmbuf_alloc(pmd_env.pool);
	if (first == NULL)
		return NULL;
	struct rte_mbuf *last = first;

	for (;;) {
		uint32_t part = RTE_MIN(size, (uint32_t)rte_pktmbuf_tailroom(last));
		memcpy(rte_pktmbuf_mtod(last, void *), from, part);
		last->data_len = (uint16_t)part;
		first->pkt_len += part;
		from += part;
		size -= part;
		if (size == 0)
			return first;
		struct rte_mbuf *next = rte_pktmbuf_alloc(pmd_env.pool);
		if (next == NULL)
			break;
		last->next = next;
		last = next;
		first->nb_segs++;
	}
	rte_pktmbuf_free(first);
	return NULL;
}

/* The SIMD width DPDK was told to use is not yet in its stable API. */
#define ALLOW_EXPERIMENTAL_API
#include "bench.h"

#include <rte_vect.h>
#include <rte_version.h>

#include <stdlib.h>

/* What the harness knows and a program does not. */
static const char *
told(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

static void
number_or_null(FILE *out, const char *name, double value)
{
	if (value > 0)
		fprintf(out, ",\"%s\":%.0f", name, value);
	else
		fprintf(out, ",\"%s\":null", name);
}

void
bench_json_env(FILE *out, const struct bench_calibration *cal)
{
	fprintf(out,
		"{\"cpu\":\"%s\",\"model\":\"%s\",\"tsc_hz\":%llu,\"core_tsc\":%.3f,"
		"\"rdtscp_tc\":%.0f,\"l1_tc\":%.1f,\"l2_tc\":%.1f,\"l3_tc\":%.1f,\"dram_tc\":%.0f",
		cal->cpu, cal->model, (unsigned long long)cal->tsc_hz, cal->core_tsc, cal->rdtscp_tc,
		cal->l1_tc, cal->l2_tc, cal->l3_tc, cal->dram_tc);
	fprintf(out,
		",\"random_tc\":[%.1f,%.1f,%.1f,%.1f],\"pp_tc\":%.0f,\"load\":%.2f,\"steal\":%.3f,"
		"\"dpdk\":\"%s\",\"run\":\"%s\"}",
		cal->random_tc[0], cal->random_tc[1], cal->random_tc[2], cal->random_tc[3], cal->pp_tc,
		cal->load, cal->steal, rte_version() + sizeof("DPDK"), cal->run);
}

void
bench_json(FILE *out, const char *bench, const struct bench_case *c, const struct bench_result *r,
	const struct bench_calibration *cal)
{
	fprintf(out, "{\"v\":1,\"bench\":\"%s\",\"case\":\"%s\",\"commit\":\"%s\"", bench, c->name,
		told("BENCH_COMMIT", "unknown"));
	fprintf(out,
		",\"cfg\":{\"burst\":%u,\"frame\":%u,\"paths\":%u,\"flows\":%u,\"ws\":\"%s\",\"simd\":%u,"
		"\"flags\":\"%s\"}",
		BENCH_BURST, c->frame, c->paths, c->flows, c->ws, rte_vect_get_max_simd_bitwidth(),
		BENCH_FLAGS);
	fprintf(out, ",\"env\":");
	bench_json_env(out, cal);
	fprintf(out,
		",\"unit\":\"tc/pkt\",\"lo\":%.2f,\"p10\":%.2f,\"med\":%.2f,\"p90\":%.2f,\"windows\":%u,"
		"\"preempted\":%.3f,\"ir\":null",
		r->lo, r->p10, r->med, r->p90, r->windows, r->preempted);
	number_or_null(out, "pps", c->null != NULL ? r->pps * (double)cal->tsc_hz : 0);
	fprintf(out, ",\"loss\":null,\"hist\":null}\n");
	fflush(out);
}

void
bench_table_head(FILE *out, const struct bench_calibration *cal)
{
	fprintf(out, "%s (%s), TSC %llu MHz, core/TSC %.3f, rdtscp %.0f tc, DPDK %s, SIMD %u bits\n",
		cal->model, cal->cpu, (unsigned long long)(cal->tsc_hz / 1000000), cal->core_tsc,
		cal->rdtscp_tc, rte_version() + sizeof("DPDK"), rte_vect_get_max_simd_bitwidth());
	fprintf(out,
		"tc per load: L1 %.1f, L2 %.1f, random 1/4/16/64 MiB %.0f/%.0f/%.0f/%.0f, 256 MiB %.0f; "
		"ping-pong %.0f tc\n",
		cal->l1_tc, cal->l2_tc, cal->random_tc[0], cal->random_tc[1], cal->random_tc[2],
		cal->random_tc[3], cal->dram_tc, cal->pp_tc);
	fprintf(out, "load %.2f, steal %.1f %%, flags %s\n\n", cal->load, 100 * cal->steal, BENCH_FLAGS);
	fprintf(out, "%-20s %5s %5s %7s %5s %7s %7s %7s %7s %5s\n", "case", "burst", "frame", "flows", "ws",
		"lo", "p10", "med", "p90", "pre%");
	fflush(out);
}

void
bench_table_line(FILE *out, const struct bench_case *c, const struct bench_result *r)
{
	fprintf(out, "%-20s %5u %5u %7u %5s %7.1f %7.1f %7.1f %7.1f %5.1f\n", c->name, BENCH_BURST, c->frame,
		c->flows, c->ws, r->lo, r->p10, r->med, r->p90, 100 * r->preempted);
	fflush(out);
}

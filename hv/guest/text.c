#include <stdarg.h>

#include "guest.h"

struct text {
	char *at;
	size_t size; /* room, NUL included */
	size_t length;
};

static void
put(struct text *text, char c)
{
	if (text->length + 1 < text->size)
		text->at[text->length] = c;
	text->length++;
}

static void
put_number(struct text *text, uint64_t value, unsigned base, unsigned width)
{
	char digit[20]; /* 2^64 - 1 has 20 decimal digits */
	unsigned n = 0;

	do {
		digit[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (; width > n; width--)
		put(text, '0');
	while (n)
		put(text, digit[--n]);
}

static size_t
format_list(char *to, size_t size, const char *format, va_list list)
{
	struct text text = {to, size, 0};

	for (; *format; format++) {
		unsigned width = 0;
		bool wide = false;
		int64_t number;

		if (*format != '%') {
			put(&text, *format);
			continue;
		}
		for (format++; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + (unsigned)(*format - '0');
		for (; *format == 'l' || *format == 'z'; format++)
			wide = true;
		switch (*format) {
		case 's':
			for (const char *s = va_arg(list, const char *); *s; s++)
				put(&text, *s);
			break;
		case 'c':
			put(&text, (char)va_arg(list, int));
			break;
		case 'd':
			number = wide ? va_arg(list, long) : va_arg(list, int);
			if (number < 0)
				put(&text, '-');
			put_number(&text, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, width);
			break;
		case 'u':
		case 'x':
			put_number(&text, wide ? va_arg(list, unsigned long) : va_arg(list, unsigned),
				*format == 'u' ? 10 : 16, width);
			break;
		case '\0':
			format--;
			break;
		default: /* %% and what we do not know */
			put(&text, *format);
		}
	}
	if (size)
		to[text.length < size ? text.length : size - 1] = '\0';
	return text.length;
}

size_t
vnf_format(char *text, size_t size, const char *format, ...)
{
	va_list list;
	size_t length;

	va_start(list, format);
	length = format_list(text, size, format, list);
	va_end(list);
	return length;
}

static char
printable(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

struct vnf_counter *
vnf_counter(const char *format, ...)
{
	static struct hv_metric nobody_reads;
	struct hv_metrics *metrics = vnf_env.metrics;
	uint32_t count = metrics->count;
	bool full = count >= sizeof(metrics->metric) / sizeof(metrics->metric[0]);
	struct hv_metric *metric = full ? &nobody_reads : &metrics->metric[count];
	va_list list;

	va_start(list, format);
	format_list(metric->name, sizeof(metric->name), format, list);
	va_end(list);
	for (char *c = metric->name; *c; c++)
		*c = printable(*c);
	if (!full)
		__atomic_store_n(&metrics->count, count + 1, __ATOMIC_RELEASE);
	return (struct vnf_counter *)(void *)&metric->value;
}

static void
console_put(struct hv_console *console, uint64_t at, char c)
{
	console->data[at % HV_CONSOLE_DATA] = c;
}

void
vnf_log(const char *format, ...)
{
	struct hv_console *console = vnf_env.console;
	uint64_t at = console->written;
	char line[256];
	va_list list;

	va_start(list, format);
	format_list(line, sizeof(line), format, list);
	va_end(list);
	for (const char *c = vnf_name; *c; c++)
		console_put(console, at++, printable(*c));
	console_put(console, at++, ':');
	console_put(console, at++, ' ');
	for (const char *c = line; *c; c++)
		console_put(console, at++, printable(*c));
	console_put(console, at++, '\n');
	__atomic_store_n(&console->written, at, __ATOMIC_RELEASE);
}

void
vnf_assert_failed(const char *cond, const char *file, int line)
{
	vnf_log("%s:%d: assertion failed: %s", file, line, cond);
	vnf_exit(HV_EXIT_ASSERT);
}

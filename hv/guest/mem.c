/* Memory functions of the freestanding image. `rep` is fast for long runs on every CPU we run on, and nothing
 * a compiler could turn into a call to the very function it is in. Parenthesised names dodge the macros. */
#include "vnf.h"

void *(memcpy)(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void *(memset)(void *to, int byte, size_t n)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
	return to;
}

void *(memmove)(void *to, const void *from, size_t n)
{
	uint8_t *at = (uint8_t *)to + n;
	const uint8_t *source = (const uint8_t *)from + n;

	if ((uintptr_t)to - (uintptr_t)from >= n)
		return memcpy(to, from, n);
	__asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(at), "+S"(source), "+c"(n) : : "memory");
	return to;
}

int(memcmp)(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}

size_t(strlen)(const char *text)
{
	const volatile char *at = text;

	while (*at)
		at++;
	return (size_t)((uintptr_t)at - (uintptr_t)text);
}

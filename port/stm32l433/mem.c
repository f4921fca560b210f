/* memcpy and its kin, small: the compiler calls them too, and newlib's are five times as long. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* "used": with link-time optimization the calls that the compiler makes come too late to be seen. */
#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns"), noinline, used))

/* Word by word where that can be: data of the writer goes through here. */
PLAIN void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    for (; n >= 8; n -= 8, t += 8, f += 8) {
        uint32_t a, b;
        __builtin_memcpy(&a, f, 4); /* one load, of any alignment (PM0214 3.3.5) */
        __builtin_memcpy(&b, f + 4, 4);
        __builtin_memcpy(t, &a, 4);
        __builtin_memcpy(t + 4, &b, 4);
    }
    while (n-- > 0)
        *t++ = *f++;
    return to;
}

PLAIN void *memset(void *to, int value, size_t n)
{
    for (uint8_t *t = to; n > 0; n--)
        *t++ = (uint8_t)value;
    return to;
}

PLAIN size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

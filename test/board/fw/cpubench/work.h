/* The work of the processor's benchmark, compiled for the target and for the host (to know what the
 * results must be). Self-contained on purpose: each file that includes it gets its own data. */
#ifndef CPUBENCH_WORK_H
#define CPUBENCH_WORK_H

#include <stddef.h>
#include <stdint.h>

struct job {
    uint32_t magic, which, rounds, setup, result; /* magic becomes 0 when the result is there */
};
enum { JOB_ADDR = 0x2000ff00, JOB_MAGIC = 0x62656e63 }; /* above what the linker script hands out */
/* What is set up before the work begins; WAITS and IDR only on a chip. */
enum {
    SETUP_WAITS = 1,    /* flash at 4 wait states, prefetch and caches on */
    SETUP_UNCACHED = 2, /* caches and prefetch off */
    SETUP_MPU = 4,      /* flash, SRAM with a guard below the stack, peripherals */
    SETUP_TICK = 8,     /* an interrupt each 2000 cycles */
    SETUP_GPIO = 16     /* polling reads GPIOC_IDR */
};

static inline void copy_word(uint32_t **to, const uint32_t **from)
{
#ifdef __arm__
    __asm volatile("ldr r3, [%0], #4\n\tstr r3, [%1], #4" : "+r"(*from), "+r"(*to) : : "r3", "memory");
#else
    *(*to)++ = *(*from)++;
#endif
}

static uint8_t buffer[8192], copy[8192];
static uint32_t crc_table[256];

static uint32_t crc32(uint32_t rounds)
{
    uint32_t crc = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        crc_table[i] = c;
    }
    while (rounds--) {
        crc = ~crc;
        for (size_t i = 0; i < sizeof buffer; i++)
            crc = crc_table[(crc ^ buffer[i]) & 0xff] ^ crc >> 8;
        crc = ~crc;
    }
    return crc;
}

static uint32_t copies(uint32_t rounds)
{
    uint32_t sum = 0;
    while (rounds--) {
        const uint32_t *from = (const uint32_t *)(const void *)buffer;
        uint32_t *to = (uint32_t *)(void *)copy;
        for (size_t i = 0; i < sizeof buffer / 4; i++)
            copy_word(&to, &from);
        sum += copy[rounds % sizeof copy];
    }
    return sum;
}

static uint32_t rotr(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

/* The compression function of SHA-256 with constants made up on the spot: the same mixture of work. */
static uint32_t sha(uint32_t rounds)
{
    uint32_t s[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    while (rounds--) {
        uint32_t w[64], v[8];
        for (unsigned i = 0; i < 16; i++)
            w[i] = s[i & 7] * 2654435761u + i;
        for (unsigned i = 16; i < 64; i++) {
            uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + w[i - 7] +
                   (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
        }
        for (unsigned i = 0; i < 8; i++)
            v[i] = s[i];
        for (unsigned i = 0; i < 64; i++) {
            uint32_t e = v[4], a = v[0];
            uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & v[5]) ^ (~e & v[6])) +
                          i * 0x9e3779b9u + w[i];
            uint32_t t2 =
                (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
            for (unsigned k = 7; k > 0; k--)
                v[k] = v[k - 1];
            v[4] += t1;
            v[0] = t1 + t2;
        }
        for (unsigned i = 0; i < 8; i++)
            s[i] += v[i];
    }
    return s[0] ^ s[7];
}

/* Polls a bit that never comes, as firmware does: a word of memory, or a GPIO port (SETUP_GPIO). */
static uint32_t word;
static const volatile uint32_t *polled = &word;

static uint32_t poll(uint32_t rounds)
{
    const volatile uint32_t *idr = polled;
    uint32_t n = 0;
    for (uint32_t i = 0; i < rounds * 1000 && !(*idr & 0x10000); i++)
        n++;
    return n;
}

static uint32_t matrix(uint32_t rounds)
{
    static float a[16][16], b[16][16], c[16][16];
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++) {
            a[i][k] = (float)(i * 3 + k) / 7.0f;
            b[i][k] = (float)(k - i) / 3.0f;
        }
    float trace = 0;
    while (rounds--)
        for (int i = 0; i < 16; i++)
            for (int k = 0; k < 16; k++) {
                float sum = 0;
                for (int j = 0; j < 16; j++)
                    sum += a[i][j] * b[j][k];
                c[i][k] = sum;
                trace += sum * 1e-3f;
            }
    union {
        float f;
        uint32_t u;
    } bits = {trace + c[3][5]};
    return bits.u;
}

enum { WORK_POLL = 3 };

static uint32_t do_work(uint32_t which, uint32_t rounds)
{
    static uint32_t (*const work[])(uint32_t) = {crc32, copies, sha, poll, matrix};
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(i * 7 + (i >> 8));
    return which < sizeof work / sizeof *work ? work[which](rounds) : 0;
}

#endif

/* What the tests of loaders share: an image, what became of it, and the sentence about what did not. */
#ifndef TEST_LOAD_BENCH_H
#define TEST_LOAD_BENCH_H

#include "board/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct image image;
static struct sentence why;

static inline int teardown(void **state)
{
    (void)state;
    image_free(&image);
    why = (struct sentence){{0}};
    return 0;
}

static inline bool parse(const char *name, const void *bytes, size_t size, uint32_t addr)
{
    image_free(&image);
    return image_parse(&image, name, bytes, size, addr, &why);
}

static inline void part_is(size_t i, uint32_t addr, const void *bytes, uint32_t size)
{
    assert_true(i < image.count);
    assert_int_equal(image.parts[i].addr, addr);
    assert_int_equal(image.parts[i].size, size);
    assert_memory_equal(image.parts[i].bytes, bytes, size);
}

/* Refused with a sentence that names the file and holds `words`; nothing is left in the image. */
static inline void refused(bool accepted, const char *words)
{
    assert_false(accepted);
    assert_int_equal(image.count, 0);
    if (strstr(why.text, "x.") == NULL || strstr(why.text, words) == NULL)
        fail_msg("'%s' lacks '%s'", why.text, words);
    assert_null(strchr(why.text, '\n'));
}

#endif

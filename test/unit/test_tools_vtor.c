/* sureboot inspect reads code to find where VTOR is set: the forms that compilers make of it. */
#include "cmocka_first.h"

#include "vtor.h"

static unsigned stores;
static uint32_t at, value;

static void found(void *arg, uint32_t where, uint32_t what)
{
    (void)arg;
    stores++;
    at = where;
    value = what;
}

static void look(const uint16_t *code, size_t halves)
{
    uint8_t bytes[128];
    for (size_t i = 0; i < halves; i++) {
        bytes[2 * i] = (uint8_t)code[i];
        bytes[2 * i + 1] = (uint8_t)(code[i] >> 8);
    }
    stores = 0;
    vtor_stores(bytes, (uint32_t)(2 * halves), 0x08004000, found, NULL);
}
#define LOOK(...) look((const uint16_t[]){__VA_ARGS__}, sizeof(uint16_t[]){__VA_ARGS__} / 2)

/* ldr r3, =0xE000ED00; mov.w r2, #0x08000000; str r2, [r3, #8]; bx lr: CubeMX's SystemInit */
static void by_gcc(void **state)
{
    (void)state;
    LOOK(0x4B02, 0xF04F, 0x6200, 0x609A, 0x4770, 0xBF00, 0xED00, 0xE000);
    assert_int_equal(stores, 1);
    assert_int_equal(at, 0x08004006);
    assert_int_equal(value, 0x08000000);
}

/* Both from literals, STR.W; the address with the offset in it. */
static void by_literals(void **state)
{
    (void)state;
    LOOK(0x4B02, 0x4A03, 0xF8C3, 0x2008, 0x4770, 0xBF00, 0xED00, 0xE000, 0x4000, 0x0800);
    assert_int_equal(stores, 1);
    assert_int_equal(value, 0x08004000);
    LOOK(0x4B01, 0x4A02, 0x601A, 0x4770, 0xED08, 0xE000, 0x8000, 0x0800);
    assert_int_equal(stores, 1);
    assert_int_equal(value, 0x08008000);
}

/* movw r0, #0xED08; movt r0, #0xE000; movs r1, #1; lsls r1, r1, #27; str r1, [r0] */
static void by_halves(void **state)
{
    (void)state;
    LOOK(0xF64E, 0x5008, 0xF2CE, 0x0000, 0x2101, 0x06C9, 0x6001, 0x4770);
    assert_int_equal(stores, 1);
    assert_int_equal(value, 0x08000000);
}

/* cpsid i; push {r4}; dsb in between change nothing of it. */
static void with_others_between(void **state)
{
    (void)state;
    LOOK(0x4B04, 0xF04F, 0x6200, 0xB672, 0xB410, 0xF3BF, 0x8F4F, 0x609A, 0x4770, 0xBF00, 0xED00, 0xE000);
    assert_int_equal(stores, 1);
    assert_int_equal(value, 0x08000000);
}

/* The FPU is switched on first, with the same base register: mov.w r3, #0xED00; movt r3, #0xE000;
 * ldr.w r2, [r3, #136]; orr.w r2, #0xF00000; str.w r2, [r3, #136]; mov.w r2, #0x08000800; str r2, [r3, #8].
 * Then ldrb.w r1, [r3, #0x3FF]: bits of an offset are no register, as a load with write-back has it there. */
static void behind_the_fpu(void **state)
{
    (void)state;
    LOOK(0xF44F, 0x436D, 0xF2CE, 0x0300, 0xF8D3, 0x2088, 0xF442, 0x0270, 0xF8C3, 0x2088, 0xF04F, 0x2208,
         0x609A, 0x4770);
    assert_int_equal(stores, 1);
    assert_int_equal(at, 0x08004018);
    assert_int_equal(value, 0x08000800);
    LOOK(0x4B02, 0xF04F, 0x6200, 0xF893, 0x13FF, 0x609A, 0xED00, 0xE000);
    assert_int_equal(stores, 1);
    /* What is stored is still there: str.w r2, [r3, #136] */
    LOOK(0x4B02, 0xF04F, 0x6200, 0xF8C3, 0x2088, 0x609A, 0xED00, 0xE000);
    assert_int_equal(stores, 1);
}

static void what_is_not_one(void **state)
{
    (void)state;
    /* the address is changed by a load with write-back: ldr.w r1, [r3, #8]!, then by ldr.w r1, [r3], #8 */
    LOOK(0x4B02, 0xF04F, 0x6200, 0xF853, 0x1F08, 0x609A, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    LOOK(0x4B02, 0xF04F, 0x6200, 0xF853, 0x1B08, 0x609A, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* the value is loaded: ldr.w r2, [r3, #136] */
    LOOK(0x4B02, 0xF04F, 0x6200, 0xF8D3, 0x2088, 0x609A, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* another register of the SCB */
    LOOK(0x4B02, 0xF04F, 0x6200, 0x60DA, 0x4770, 0xBF00, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* the value comes from memory */
    LOOK(0x4B02, 0x6802, 0x609A, 0x4770, 0xBF00, 0xBF00, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* it is changed on the way: eors r2, r0 */
    LOOK(0x4902, 0xF04F, 0x6200, 0x4042, 0x608A, 0x4770, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* a call in between */
    LOOK(0x4B03, 0xF04F, 0x6200, 0xF000, 0xF800, 0x609A, 0x4770, 0xBF00, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* a return: pop {r4, pc} */
    LOOK(0x4B02, 0xF04F, 0x6200, 0xBD10, 0x609A, 0x4770, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* the same with high registers: pop {r4-r8, pc} */
    LOOK(0x4B02, 0xF04F, 0x6200, 0xE8BD, 0x81F0, 0x609A, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* one of two: ite eq; moveq r2, #1; movne r2, #2 */
    LOOK(0x4B02, 0xBF0C, 0x2201, 0x2202, 0x609A, 0x4770, 0xED00, 0xE000);
    assert_int_equal(stores, 0);
    /* the code ends in the middle of an instruction, and a literal lies outside */
    LOOK(0x4BFF, 0xF04F);
    assert_int_equal(stores, 0);
    vtor_stores((const uint8_t *)"", 0, 0x08004000, found, NULL);
    assert_int_equal(stores, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_gcc),         cmocka_unit_test(by_literals),
        cmocka_unit_test(by_halves),      cmocka_unit_test(with_others_between),
        cmocka_unit_test(behind_the_fpu), cmocka_unit_test(what_is_not_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

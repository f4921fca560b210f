/* Which line of which file to change, by toolchain. Names of files are those that the tools generate for
 * the STM32L433RC. */
#include "examine.h"

static const struct {
    enum finding_code code;
    struct cure cure;
} cures[] = {
    {FINDING_NOT_HERE,
     {"STM32CubeIDE", "STM32L433RCTX_FLASH.ld", "FLASH (rx) : ORIGIN = 0x8004000, LENGTH = 236K"}},
    {FINDING_NOT_HERE,
     {"CubeMX, Makefile or CMake", "stm32l433xx_flash.ld (STM32L433XX_FLASH.ld)",
      "FLASH (rx) : ORIGIN = 0x8004000, LENGTH = 236K, then build from clean"}},
    {FINDING_NOT_HERE, {"Keil MDK", "Options for Target, Target", "IROM1: start 0x8004000, size 0x3B000"}},
    {FINDING_NOT_HERE,
     {"IAR", "stm32l433xx_flash.icf",
      "__ICFEDIT_intvec_start__ and __ICFEDIT_region_ROM_start__ = 0x08004000, ROM_end__ = 0x0803EFFF"}},
    /* platformio-build.py and boards.txt of Arduino_Core_STM32, stm32cube.py of platform-ststm32. */
    {FINDING_NOT_HERE,
     {"PlatformIO, Arduino", "platformio.ini",
      "board_build.flash_offset = 0x4000 and board_upload.offset_address = 0x08004000"}},
    {FINDING_NOT_HERE,
     {"PlatformIO, STM32Cube", "platformio.ini",
      "board_build.ldscript = a script with that FLASH, and board_upload.offset_address = 0x08004000"}},
    {FINDING_NOT_HERE, {"Arduino IDE", "boards.local.txt", "Nucleo_64.build.flash_offset=0x4000"}},
    {FINDING_NOT_HERE,
     {"Zephyr", "prj.conf", "CONFIG_FLASH_LOAD_OFFSET=0x4000, CONFIG_FLASH_LOAD_SIZE=0x3B000"}},
    {FINDING_NOT_HERE, {"Rust", "memory.x", "FLASH : ORIGIN = 0x08004000, LENGTH = 236K"}},
    {FINDING_NOT_HERE, {"sureboot's kit", "linker script", "-T sureboot.ld, see docs/add-to-cubemx.md"}},
    {FINDING_NO_VECTORS,
     {"any", "linker script", "KEEP(*(.isr_vector)) as the first section of FLASH, ORIGIN = 0x8004000"}},
    {FINDING_BAD_STACK,
     {"any", "linker script", "KEEP(*(.isr_vector)) as the first section of FLASH; _estack = end of RAM"}},
    {FINDING_ADDRESS, {"any", "linker script", "FLASH (rx) : ORIGIN = 0x8004000, LENGTH = 236K"}},
    {FINDING_CUT_SHORT,
     {"if it is whole", "linker script", "FLASH (rx) : ORIGIN = 0x8004000, LENGTH = 236K"}},
    {FINDING_NOT_DONE,
     {"if it was whole", "linker script", "FLASH (rx) : ORIGIN = 0x8004000, LENGTH = 236K"}},
    {FINDING_TOO_LARGE,
     {"any", "Makefile or project options", "optimise for size: -Os, -flto, --gc-sections"}},
    {FINDING_VTOR_BACK,
     {"CubeMX since L4 1.17", "Core/Src/system_stm32l4xx.c",
      "#define USER_VECT_TAB_ADDRESS and #define VECT_TAB_OFFSET 0x00004000U"}},
    {FINDING_VTOR_BACK, {"CubeMX before", "Src/system_stm32l4xx.c", "#define VECT_TAB_OFFSET 0x00004000U"}},
    {FINDING_VTOR_BACK, {"sureboot's kit", "start-up code", "call sureboot_early() after SystemInit"}},
    {FINDING_VTOR_ELSEWHERE,
     {"CubeMX since L4 1.17", "Core/Src/system_stm32l4xx.c",
      "#define USER_VECT_TAB_ADDRESS and #define VECT_TAB_OFFSET 0x00004000U"}},
    {FINDING_VTOR_ELSEWHERE,
     {"CubeMX before", "Src/system_stm32l4xx.c", "#define VECT_TAB_OFFSET 0x00004000U"}},
    {FINDING_IN_RAM, {"any", "linker script", ".data : { ... } >RAM AT> FLASH"}},
    {FINDING_IN_RAM, {"LLVM's linker", "linker script", "._user_heap_stack (NOLOAD) : { ... } >RAM"}},
    {FINDING_HEADERS, {"any", "options of the linker", "-Wl,--nmagic"}},
    {FINDING_ELF_FILE, {"GNU", "command line", "arm-none-eabi-objcopy -O binary app.elf app.bin"}},
    {FINDING_ELF_FILE,
     {"Keil MDK", "Options for Target, User, After Build", "fromelf --bin -o app.bin app.axf"}},
    {FINDING_WRONG_BOARD, {"sureboot's kit", "main.c", "board id in SUREBOOT_APPLICATION(...)"}},
    {FINDING_CANNOT_CONFIRM,
     {"sureboot's kit", "main.c", "SUREBOOT_APPLICATION(...) and sureboot.ld, which reserve the mailbox"}},
    {FINDING_NOT_PACKED, {"any", "the step after linking", "sureboot pack app.elf -o app.bin"}},
    {FINDING_LEDGER,
     {"if its pages are write-protected", "option bytes WRP1A, WRP1B",
      "pages 126 and 127 left out; pages 0 to 7 may be protected"}},
    {FINDING_DAMAGED, {"any", "the step after linking", "sureboot pack app.elf -o app.bin"}},
};

const struct cure *finding_cure(enum finding_code code, size_t i)
{
    for (size_t k = 0; k < sizeof cures / sizeof *cures; k++)
        if (cures[k].code == code && i-- == 0)
            return &cures[k].cure;
    return NULL;
}

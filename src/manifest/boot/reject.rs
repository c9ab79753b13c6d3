//! What no board may say after its reset, whatever the product: words of the mask ROMs, of ESP-IDF's
//! bootloader and panic handler, of the ESP8266's SDKs, and of the other frameworks in use.
//!
//! Sources: ESP-IDF, "Fatal Errors" and `components/bootloader_support`, `esp_system/panic.c`; esptool,
//! "Boot Mode Selection" and "Troubleshooting" (boot log); esp8266 Arduino core, `core_esp8266_postmortem.cpp`.

use super::{Pattern, Reject};

/// Pattern, and what it tells.
const EVERY_PRODUCT: [(&str, &str); 10] = [
    (
        // ESP8266: mode 1 is the loader; the others name theirs
        r"(?i)waiting for download|boot:0x[0-9a-f]+ \((?:DOWNLOAD|UART_BOOT|USB_BOOT|SPI_DOWNLOAD|SDIO_DOWNLOAD)|boot mode:\(1,",
        "the board starts its loader, not its app: the boot strap is still held",
    ),
    (r"flash read err", "the ROM cannot read the flash"),
    (
        r"invalid header: 0x",
        "the ROM finds no image where the bootloader must be",
    ),
    (
        r"csum err:|ets_main\.c|ets_loader\.c",
        "the ROM refuses the bootloader's image",
    ),
    (r"(?i)brown[ _]?out", "the supply voltage breaks down"),
    (
        r"No bootable app partitions|Failed to verify partition table|Image hash failed",
        "the bootloader finds no app that it may start",
    ),
    (
        r"Guru Meditation Error|abort\(\) was called at PC|assert failed: |assertion .* failed: file|ESP_ERROR_CHECK failed",
        "the app panics",
    ),
    (
        r"\*\*\*ERROR\*\*\* A stack overflow|Stack smashing protect failure|CORRUPT HEAP",
        "the app overruns its memory",
    ),
    (
        // ESP8266: ROM, RTOS SDK, Arduino
        r"Fatal exception \(?\d|\bException \(\d+\):|Soft WDT reset|CUT HERE FOR EXCEPTION DECODER",
        "the app panics",
    ),
    (
        // Rust, Zephyr
        r"\bpanicked at\b|=== PANIC ===|A panic occur+ed|ZEPHYR FATAL ERROR",
        "the app panics",
    ),
];

/// A chip that starts so often within one check is in a reset loop: the reset itself is one start, and
/// an app may restart itself once.
pub(super) const LOOP_STARTS: u32 = 3;

pub(super) fn every_product() -> Vec<Reject> {
    let rejects = EVERY_PRODUCT.into_iter().filter_map(|(pattern, meaning)| {
        // that each compiles is tested: none is left out
        let pattern = Pattern::new(pattern).ok()?;
        Some(Reject {
            pattern,
            meaning: Some(meaning),
        })
    });
    rejects.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first pattern that matches the line tells.
    fn check(line: &str, expected: Option<&str>) {
        let rejects = every_product();
        let found = rejects.iter().find(|reject| reject.pattern.is_match(line));
        let meaning = found.and_then(|reject| reject.meaning);
        assert_eq!(
            meaning.map(|m| m.split(':').next().unwrap()),
            expected,
            "{line}"
        );
    }

    #[test]
    fn all_are_there() {
        assert_eq!(every_product().len(), EVERY_PRODUCT.len());
    }

    #[test]
    fn lines_that_tell_of_a_bad_start() {
        let loader = Some("the board starts its loader, not its app");
        let panics = Some("the app panics");
        check("waiting for download", loader);
        check(
            "rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))",
            loader,
        );
        check(
            "rst:0x1 (POWERON),boot:0x4 (DOWNLOAD(USB/UART0/SPI))",
            loader,
        );
        check(
            "rst:0x1 (POWERON_RESET),boot:0xf (UART_BOOT(UART0))",
            loader,
        );
        check(" ets Jan  8 2013,rst cause:2, boot mode:(1,7)", loader);
        check(
            "flash read err, 1000",
            Some("the ROM cannot read the flash"),
        );
        check(
            "ets_main.c 371",
            Some("the ROM refuses the bootloader's image"),
        );
        check(
            "invalid header: 0xffffffff",
            Some("the ROM finds no image where the bootloader must be"),
        );
        check(
            "csum err:0x9a!=0x5e",
            Some("the ROM refuses the bootloader's image"),
        );
        let supply = Some("the supply voltage breaks down");
        check("Brownout detector was triggered", supply);
        check(
            "rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
            supply,
        );
        check(
            "rst:0xf (BROWNOUT_RST),boot:0xc (SPI_FAST_FLASH_BOOT)",
            supply,
        );
        check(
            "E (123) boot: No bootable app partitions in the partition table",
            Some("the bootloader finds no app that it may start"),
        );
        check(
            "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.",
            panics,
        );
        check("abort() was called at PC 0x400d1234 on core 0", panics);
        check("assert failed: app_main main.c:12 (x == 1)", panics);
        check(
            "ESP_ERROR_CHECK failed: esp_err_t 0x102 (ESP_ERR_INVALID_ARG) at 0x400d",
            panics,
        );
        check(
            "***ERROR*** A stack overflow in task main has been detected.",
            Some("the app overruns its memory"),
        );
        check("Fatal exception (28):", panics);
        check("Exception (9):", panics);
        check("thread 'main' panicked at src/main.rs:4:5:", panics);
        check(
            "====================== PANIC ======================",
            panics,
        );
        check(
            "E: >>> ZEPHYR FATAL ERROR 0: CPU exception on CPU 0",
            panics,
        );
    }

    #[test]
    fn lines_of_a_good_start() {
        for line in [
            "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
            "rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)",
            "rst:0x15 (USB_UART_CHIP_RESET),boot:0xc (SPI_FAST_FLASH_BOOT)",
            " ets Jan  8 2013,rst cause:2, boot mode:(3,6)",
            "configsip: 0, SPIWP:0xee",
            "I (28) boot: ESP-IDF v5.3 2nd stage bootloader",
            "I (300) cpu_start: Pro cpu up.",
            "I (310) main_task: Calling app_main()",
            "I (900) exceptions: none",
        ] {
            check(line, None);
        }
    }
}

# Runs `bench timers` small and looks at what it says; times are not looked at: a test machine has none to trust.
# cmake -DPROGRAM=<signalbox> -P bench_timers.cmake
execute_process(
    COMMAND ${PROGRAM} bench timers --waiting 30000 --rate 200 --seconds 1 --json
    OUTPUT_VARIABLE report RESULT_VARIABLE code)
if(NOT code EQUAL 0)
    message(FATAL_ERROR "bench timers ended with ${code}: ${report}")
endif()

foreach(key store waiting due fired lost doubled cold_start_ms lag_p50_ms lag_p99_ms lag_max_ms rss_ready_mb rss_peak_mb)
    string(JSON ${key} ERROR_VARIABLE missing GET ${report} ${key})
    if(missing)
        message(FATAL_ERROR "no ${key} in ${report}")
    endif()
endforeach()

foreach(key lost doubled)
    if(NOT ${${key}} EQUAL 0)
        message(FATAL_ERROR "${key} is ${${key}}: ${report}")
    endif()
endforeach()

if(NOT fired EQUAL 200 OR NOT cold_start_ms GREATER 0 OR NOT rss_peak_mb GREATER 0)
    message(FATAL_ERROR "nothing was measured: ${report}")
endif()

# Runs `bench e2e` small and looks at what it says; times are not looked at: a test machine has none to trust.
# cmake -DPROGRAM=<signalbox> -P bench.cmake
execute_process(
    COMMAND ${PROGRAM} bench e2e --events 500 --lanes 50 --connections 8 --rate 200 --seconds 0.5 --json
    OUTPUT_VARIABLE report RESULT_VARIABLE code)
if(NOT code EQUAL 0)
    message(FATAL_ERROR "bench e2e ended with ${code}: ${report}")
endif()

foreach(key store events_per_s floor_events_per_s ack_p50_ms ack_p99_ms action_p50_ms action_p99_ms commit_p50_ms
        rss_mb lost duplicated out_of_order ratio roundtrip_p50_ms roundtrip_p99_ms cold_start_ms rss_idle_mb refused)
    string(JSON ${key} ERROR_VARIABLE missing GET ${report} ${key})
    if(missing)
        message(FATAL_ERROR "no ${key} in ${report}")
    endif()
endforeach()

foreach(key lost duplicated out_of_order refused)
    if(NOT ${${key}} EQUAL 0)
        message(FATAL_ERROR "${key} is ${${key}}: ${report}")
    endif()
endforeach()

foreach(key events_per_s floor_events_per_s ack_p50_ms action_p50_ms roundtrip_p50_ms cold_start_ms rss_mb)
    if(NOT ${${key}} GREATER 0)
        message(FATAL_ERROR "${key} is ${${key}}: nothing was measured: ${report}")
    endif()
endforeach()

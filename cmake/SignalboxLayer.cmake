# signalbox_layer(NAME target SOURCES … LINK … [PRIVATE_LINK …] [PCH header …])
# A layer is a static library whose include root is the project; LINK names the layers below it
# and the outside libraries its headers show, PRIVATE_LINK those that only its sources use. Without headers of its
# own to compile ahead (PCH) it shares those of all layers.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/ahead.cpp CONTENT "// Nothing but what is compiled ahead.\n")
add_library(ahead OBJECT ${CMAKE_BINARY_DIR}/generated/ahead.cpp)
target_precompile_headers(ahead PRIVATE <nlohmann/json.hpp>)

function(signalbox_layer)
    cmake_parse_arguments(LAYER "" "NAME" "SOURCES;LINK;PRIVATE_LINK;PCH" ${ARGN})
    add_library(${LAYER_NAME} STATIC ${LAYER_SOURCES})
    target_include_directories(${LAYER_NAME} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${LAYER_NAME} PUBLIC ${LAYER_LINK} PRIVATE ${LAYER_PRIVATE_LINK})
    if(LAYER_PCH)
        target_precompile_headers(${LAYER_NAME} PRIVATE ${LAYER_PCH})
    else()
        target_precompile_headers(${LAYER_NAME} REUSE_FROM ahead)
    endif()
endfunction()

# signalbox_layer(NAME target SOURCES … LINK … [PRIVATE_LINK …] [PCH header …])
# A layer is a static library whose include root is the project; LINK names the layers below it
# and the outside libraries its headers show, PRIVATE_LINK those that only its sources use.
function(signalbox_layer)
    cmake_parse_arguments(LAYER "" "NAME" "SOURCES;LINK;PRIVATE_LINK;PCH" ${ARGN})
    add_library(${LAYER_NAME} STATIC ${LAYER_SOURCES})
    target_include_directories(${LAYER_NAME} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${LAYER_NAME} PUBLIC ${LAYER_LINK} PRIVATE ${LAYER_PRIVATE_LINK})
    if(LAYER_PCH)
        target_precompile_headers(${LAYER_NAME} PRIVATE ${LAYER_PCH})
    endif()
endfunction()

# What all addons share; included by the CMakeLists.txt of each, which has named the project after the addon.
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
file(GLOB PRISM_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/native/*.cc)
add_library(${PROJECT_NAME} SHARED ${PRISM_SOURCES} ${CMAKE_JS_SRC})
target_include_directories(${PROJECT_NAME} PRIVATE ${CMAKE_JS_INC} ${CMAKE_CURRENT_LIST_DIR}/include)
target_link_libraries(${PROJECT_NAME} PRIVATE ${CMAKE_JS_LIB})
target_compile_definitions(${PROJECT_NAME} PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS)
target_compile_options(${PROJECT_NAME} PRIVATE -O2 -Wall -Wextra -Werror -fvisibility=hidden)
set_target_properties(${PROJECT_NAME} PROPERTIES PREFIX "" SUFFIX ".node")
# A worker that ends unloads its addons before the event loop has closed their handles: the code must stay.
target_link_options(${PROJECT_NAME} PRIVATE -Wl,-z,nodelete)

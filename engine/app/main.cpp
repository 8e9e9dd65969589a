#include "engine/app/cli.h"

int main(int argc, char** argv) {
    return engine::app::run(argc, argv);
}

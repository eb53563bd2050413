#pragma once

#include <string>

#include "serve/archive/rows.h"
#include "serve/protocol/server_frame.h"

/// What the archive has, as a client is told of it.
namespace banter::serve {

/// The newest items of a page that one frame carries; `more` when others are left.
History history_of(const HistoryPage& page);

/// What is stored of a reply, as `done` tells it again to who asked under this id.
Done done_of(const TurnRow& row, const std::string& id);

}  // namespace banter::serve

#if Server
import Subprocess
#endif

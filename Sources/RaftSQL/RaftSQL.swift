#if SQL
import GRDB
#endif
